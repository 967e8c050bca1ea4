"""What a schedule that is due does: for which of its due times it fires, and what of the others. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from rookery.domains.schedules.errors import BadSchedule
from rookery.domains.schedules.timing import Timing, first, newest

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LONGEST_JITTER: Final = 86_400
"""Seconds."""

PUNCTUAL: Final = timedelta(seconds=60)
"""A due time is missed when it is longer ago: a worker that is started anew is not late."""

MOST_MADE_UP: Final = 100
"""So many missed due times are made up for, the newest ones, where all of them are wanted."""


class Missed(StrEnum):
    """What becomes of due times at which no worker ran."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """Whether a schedule fires while the task of its last firing has not ended."""

    SKIP = "skip"
    ALLOW = "allow"


class Outcome(StrEnum):
    """What came of a due time."""

    FIRED = "fired"
    MISSED = "missed"
    OVERLAPPED = "overlapped"
    REFUSED = "refused"


class Decision(NamedTuple):
    """To fire for these due times, and be due again `next`; `missed` says why others are left out, if any."""

    fires: tuple[datetime, ...]
    next: datetime | None
    missed: str = ""


def decide(timing: Timing, policy: Missed, due: datetime, now: datetime) -> Decision:
    """What to do about a due time that has come, and about those since."""
    upcoming = first(timing, max(now, due))
    if policy is Missed.ALL:
        return _all(timing, due, now, upcoming)
    if policy is Missed.SKIP and is_late(due, now):
        return Decision((), upcoming, "No worker ran when it was due.")
    return Decision((due,), upcoming)


def is_late(due: datetime, now: datetime) -> bool:
    """Whether a due time has been missed."""
    return now - due > PUNCTUAL


def _all(timing: Timing, due: datetime, now: datetime, upcoming: datetime | None) -> Decision:
    since = [due, *newest(timing, due, max(now, due), MOST_MADE_UP)]
    if len(since) <= MOST_MADE_UP:
        return Decision(tuple(since), upcoming)
    left_out = f"Of what was due since, the newest {MOST_MADE_UP} are made up for."
    return Decision(tuple(since[1:]), upcoming, left_out)


def check_name(name: str) -> None:
    """Raise BadSchedule for what is no name."""
    if not NAME.fullmatch(name):
        raise BadSchedule(f"{name[:80]!r} is no name: use lower-case letters, digits, - and _, at most 63.")


def check_manners(jitter: int, missed: Missed, overlap: Overlap) -> None:
    """Raise BadSchedule for what does not go together."""
    if not 0 <= jitter <= LONGEST_JITTER:
        raise BadSchedule(f"A jitter goes from 0 to {LONGEST_JITTER} seconds, not {jitter}.")
    if missed is Missed.ALL and overlap is Overlap.SKIP:
        raise BadSchedule("All that was missed is submitted at once: let the schedule overlap as well.")
