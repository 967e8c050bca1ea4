"""The time, always UTC, by %Y %M %D %H %m %S or by Go's layouts (2006-01-02 15:04:05)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from rookery.mechanisms.engine.dsl.functions.signature import table
from rookery.mechanisms.engine.dsl.values import Value, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError

MARK = re.compile("%([A-Za-z])")
MARKS = {"Y": "%Y", "M": "%m", "D": "%d", "H": "%H", "m": "%M", "S": "%S"}
MARKS |= {"y": "%Y", "d": "%d", "h": "%H", "s": "%S"}
GO_LAYOUT = {
    "January": "%B", "Monday": "%A", "2006": "%Y", "Jan": "%b", "Mon": "%a", "MST": "%Z", "Z07:00": "%z",
    "-07:00": "%z", "Z0700": "%z", "-0700": "%z", "_2": "%e", "01": "%m", "02": "%d", "03": "%I", "04": "%M",
    "05": "%S", "06": "%y", "15": "%H", "PM": "%p", "pm": "%p", "1": "%m", "2": "%d", "3": "%I", "4": "%M",
    "5": "%S",
}  # fmt: skip
GO_PART = re.compile("|".join(GO_LAYOUT))
BARE = frozenset("12345")  # Go's numbers without a leading zero
ZONES = {"Z07:00": "Z", "Z0700": "Z", "-07:00": "+00:00", "-0700": "+0000"}
DEFAULT_LAYOUTS = (
    "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05",
    "2006-01-02 15:04 Z07:00",
    "2006-01-02 15:04", "2006-01-02 Z07:00", "2006-01-02",
)  # fmt: skip


def _unix_time(offset: Value = 0.0) -> float:
    return float(int(time.time()) + to_integer(offset))


def _date_time(pattern: Value, moment: Value = None) -> str:
    """The date, of now or of a Unix time in seconds."""
    when = datetime.now(UTC) if moment is None else datetime.fromtimestamp(to_integer(moment), UTC)
    text = to_text(pattern)
    if MARK.search(text):
        return MARK.sub(lambda match: _marked(match, when), text)
    return GO_PART.sub(lambda match: _go_part(match[0], when), text)


def _marked(match: re.Match[str], when: datetime) -> str:
    if match[1] not in MARKS:
        raise DslError(f"date_time() does not know {match[0]!r}")
    return when.strftime(MARKS[match[1]])


def _go_part(part: str, when: datetime) -> str:
    if part in ZONES:
        return ZONES[part]
    text = when.strftime(GO_LAYOUT[part])
    if part == "pm":
        return text.lower()
    return text.lstrip("0") if part in BARE else text


def _to_unix_time(value: Value, layout: Value = None) -> float:
    """The Unix time of a number, or of a date in one of Go's usual layouts or the given one."""
    text = to_text(value)
    try:
        return float(int(float(text)))
    except (ValueError, OverflowError):
        pass
    for one in DEFAULT_LAYOUTS if layout is None else (to_text(layout),):
        try:
            return _parsed(text, one)
        except ValueError:
            continue
    raise DslError(f"{text[:40]!r} is not a date in a known layout")


def _parsed(text: str, layout: str) -> float:
    pattern = GO_PART.sub(lambda match: GO_LAYOUT[match[0]].replace("%e", "%d"), layout.replace("%", "%%"))
    try:
        when = datetime.strptime(text, pattern)  # noqa: DTZ007 -- the zone is added below
    except re.error as error:  # a layout that names a part twice
        raise ValueError(str(error)) from None
    return float(int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()))


def _wait_for(_seconds: Value) -> bool:
    """The pause is made where the request is sent; expressions wait for nothing."""
    return True


FUNCTIONS = table(
    ("wait_for", _wait_for, 1, 1),
    ("unix_time", _unix_time, 0, 1),
    ("date_time", _date_time, 1, 2),
    ("to_unix_time", _to_unix_time, 1, 2),
)
