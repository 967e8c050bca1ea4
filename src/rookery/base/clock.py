"""Time: UTC and aware for people, whole microseconds for rows; durations come from time.monotonic()."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def now_us() -> int:
    """Microseconds since 1970-01-01 UTC, by the wall clock, which may go back."""
    return time.time_ns() // 1000


def from_us(microseconds: int) -> datetime:
    """The aware UTC moment of a stored microsecond count, exact to the microsecond."""
    return EPOCH + timedelta(0, 0, microseconds)


def to_us(moment: datetime) -> int:
    """The stored microsecond count of an aware moment, exact to the microsecond."""
    return (moment - EPOCH) // timedelta(microseconds=1)
