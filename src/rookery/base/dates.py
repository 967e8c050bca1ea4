"""Days as people and feeds write them, microseconds as rows keep them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache

from rookery.base.clock import to_us

DURATION = re.compile(r"(\d{1,6})([mhdw])")
UNITS = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
"""Minutes, hours, days and weeks, in microseconds."""


@lru_cache(maxsize=4096)
def date_us(day: str) -> int:
    """The end of a day `YYYY-MM-DD`, in UTC; 0 for what is no day."""
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        return 0
    return to_us(datetime.combine(parsed, time(23, 59, 59), tzinfo=UTC))


def moment_us(text: str, now_us: int) -> int:
    """The end of a day, or the moment so long from now (`90d`, `12h`, `2w`); 0 for neither."""
    if match := DURATION.fullmatch(text):
        return now_us + int(match[1]) * UNITS[match[2]]
    return date_us(text)
