"""When a schedule is due. Pure: what the time is, the caller says.

Local times that a change of the clocks leaves out or has twice are treated as Debian's cron does: a line that
names its minute and hour (`30 2 * * *`) fires once on each of its days, at the first moment after the gap, or
at the first of the two. One with `*` or `*/n` as its minute or hour goes by the clock on the wall, whatever
that does: it finds nothing in the gap, and fires in both of the doubled hours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile

import msgspec
from cronsim import CronSim, CronSimError

from rookery.base.clock import EPOCH
from rookery.base.structs import ready
from rookery.domains.schedules import zones
from rookery.domains.schedules.errors import BadCronLine, BadSchedule

SHORTCUTS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31 (that come in these months), L for the last, LW for the last weekday",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday), or SUN to SAT; 5L is the last Friday, 5#2 the second",
}
LONGEST_LINE = 200
SHORTEST, LONGEST = 1, 3660 * 86_400
"""Seconds."""


class Cron(msgspec.Struct, frozen=True, tag="cron"):
    """By a cron line, `minute hour day-of-month month day-of-week`, in the local time of a zone."""

    line: str
    zone: str = zones.UTC

    def dues(self, after: datetime) -> Iterator[datetime]:
        """Every due time after a moment. Raises BadCronLine, UnknownZone."""
        for local in self._walk(after.astimezone(zones.zone(self.zone))):
            due = local.astimezone(UTC)
            if due > after:  # in a doubled hour, the first one of the two is behind
                after = due
                yield due

    def _walk(self, start: datetime) -> CronSim:
        line = SHORTCUTS.get(self.line.strip().lower(), self.line)
        if len(line) > LONGEST_LINE or len(line.split()) != len(FIELDS):
            raise BadCronLine(f"{line[:80]!r}: {BadCronLine.__doc__} For seconds there are intervals.")
        try:
            return CronSim(line, start)
        except CronSimError as error:
            raise BadCronLine(_explained(line, str(error))) from None

    def in_words(self) -> str:
        """The line as a sentence. Raises BadCronLine."""
        return self._walk(EPOCH).explain()

    def __str__(self) -> str:
        return f"{self.line} {self.zone}"


class Every(msgspec.Struct, frozen=True, tag="every"):
    """Every so many seconds, counted from `start` (None: from when it is stored)."""

    seconds: int
    start: datetime | None = None
    zone: str = zones.UTC

    def dues(self, after: datetime) -> Iterator[datetime]:
        """Every due time after a moment."""
        start, step = self.start or after, timedelta(seconds=self.seconds)
        first = max((after - start) // step, 0) + 1
        return (start + number * step for number in count(first))

    def __str__(self) -> str:
        return f"every {duration(self.seconds)}"


class Once(msgspec.Struct, frozen=True, tag="once"):
    """At one moment, and never again."""

    at: datetime
    zone: str = zones.UTC

    def dues(self, after: datetime) -> Iterator[datetime]:
        """That moment, as long as it is not past."""
        return iter([self.at] if self.at > after else [])

    def __str__(self) -> str:
        return f"at {local_time(self.at, self.zone)}"


Timing = Cron | Every | Once


def first(timing: Timing, after: datetime) -> datetime | None:
    """When it is due next, if ever."""
    return next(timing.dues(after), None)


def newest(timing: Timing, after: datetime, upto: datetime, most: int) -> list[datetime]:
    """The last so many due times after one moment and up to another, without a walk through all of them."""
    span = timedelta(hours=1)
    while True:
        start = max(after, upto - span)
        found = deque(takewhile(lambda due: due <= upto, timing.dues(start)), maxlen=most)
        if len(found) == most or start == after:
            return list(found)
        span *= 4


def started(timing: Timing, now: datetime) -> tuple[Timing, datetime]:
    """A timing as it may be stored, an interval with its start; and its first due time.

    Raises BadSchedule when there is none, or it is not valid.
    """
    timing = _typed(timing)
    zones.zone(timing.zone)
    if isinstance(timing, Every):
        timing = _with_start(timing, now)
    if isinstance(timing, Once) and timing.at.tzinfo is None:
        raise BadSchedule("A date needs its time zone: which moment is meant is not known without one.")
    due = first(timing, now)
    if due is None:
        raise BadSchedule(f"It would never be due: {timing}.")
    return timing, due


def _typed(timing: Timing) -> Timing:
    """What is made in Python has not been looked at yet."""
    try:
        typed: Timing = msgspec.convert(msgspec.to_builtins(timing), ready(Timing))
    except (msgspec.ValidationError, TypeError) as error:
        raise BadSchedule(f"A timing is a Cron, an Every or a Once: {error}.") from None
    return typed


def _with_start(timing: Every, now: datetime) -> Every:
    if not SHORTEST <= timing.seconds <= LONGEST:
        raise BadSchedule(f"An interval goes from a second to ten years, not {timing.seconds} s.")
    return Every(timing.seconds, timing.start or now, timing.zone)


def moment(local: datetime, zone: str) -> datetime:
    """The moment of a local time, the first of two. Raises BadSchedule for one that clocks leave out."""
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    found = local.replace(tzinfo=zones.zone(zone)).astimezone(UTC)
    if found.astimezone(zones.zone(zone)).replace(tzinfo=None) != local:
        raise BadSchedule(f"On that day the clocks of {zone} go forward, and leave {local:%H:%M} out.")
    return found


def local_time(moment: datetime, zone: str) -> str:
    """A moment as clocks in a zone show it."""
    return f"{moment.astimezone(zones.zone(zone)):%Y-%m-%d %H:%M:%S %Z}".replace(":00 ", " ")


def duration(seconds: int) -> str:
    """So many seconds as a person says them: 21600 is 6h, 5400 is 1h30m."""
    parts, left = [], seconds
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        number, left = divmod(left, size)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts) or "0s"


def _explained(line: str, error: str) -> str:
    """What CronSim says ("Bad hour"), with what stands there and what could."""
    field = error.removeprefix("Bad ")
    if field not in FIELDS:
        return f"{line!r}: {error}. {BadCronLine.__doc__}"
    text = line.split()[list(FIELDS).index(field)]
    return f"{line!r}: {text!r} is no {field}; that is {FIELDS[field]}."
