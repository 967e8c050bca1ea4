"""Random values and the time. Not for secrets: they must only differ from whatever a server says itself."""

from __future__ import annotations

import random
import string
import time
from datetime import UTC, datetime

from rookery.mechanisms.engine.dsl.functions.signature import table
from rookery.mechanisms.engine.dsl.values import Value, bounded, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError

ALPHANUMERIC = string.ascii_letters + string.digits
LARGEST_INT = 2**31 - 1
DATE_MARKS = {"Y": "%Y", "M": "%m", "D": "%d", "H": "%H", "m": "%M", "S": "%S"}


def random_text(length: int, characters: str) -> str:
    """So many random characters of those given."""
    if not characters:
        raise DslError("there is no character to choose from")
    return "".join(random.choices(characters, k=bounded(length)))


def _rand_base(length: Value, characters: Value = ALPHANUMERIC) -> str:
    return random_text(to_integer(length), to_text(characters))


def _rand_char(characters: Value = ALPHANUMERIC) -> str:
    return random_text(1, to_text(characters))


def _rand_alpha(length: Value, bad: Value = "") -> str:
    return random_text(to_integer(length), _without(string.ascii_letters, bad))


def _rand_alphanumeric(length: Value, bad: Value = "") -> str:
    return random_text(to_integer(length), _without(ALPHANUMERIC, bad))


def _rand_numeric(length: Value, bad: Value = "") -> str:
    return random_text(to_integer(length), _without(string.digits, bad))


def _without(characters: str, bad: Value) -> str:
    return characters.translate({ord(char): None for char in to_text(bad)})


def _rand_int(low: Value = 0.0, high: Value = LARGEST_INT) -> float:
    first, last = to_integer(low), to_integer(high)
    return float(random.randint(min(first, last), max(first, last)))


def _unix_time(offset: Value = 0.0) -> float:
    return float(int(time.time()) + to_integer(offset))


def _date_time(pattern: Value, moment: Value = None) -> str:
    """The UTC date by %Y %M %D %H %m %S, of now or of a Unix time in seconds."""
    when = datetime.now(UTC) if moment is None else datetime.fromtimestamp(to_integer(moment), UTC)
    text = to_text(pattern)
    for mark in "YMDHmS":
        text = text.replace(f"%{mark}", when.strftime(DATE_MARKS[mark]))
    return text


FUNCTIONS = table(
    ("rand_base", _rand_base, 1, 2),
    ("rand_char", _rand_char, 0, 1),
    ("rand_text_alpha", _rand_alpha, 1, 2),
    ("rand_text_alphanumeric", _rand_alphanumeric, 1, 2),
    ("rand_text_numeric", _rand_numeric, 1, 2),
    ("rand_int", _rand_int, 0, 2),
    ("unix_time", _unix_time, 0, 1),
    ("date_time", _date_time, 1, 2),
)
