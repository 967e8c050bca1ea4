"""How large the next batch may be: it grows while there is a backlog and the sink is quick."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.mechanisms.writebehind.batch import Entry
    from rookery.mechanisms.writebehind.limits import Limits

QUICK = 0.025
SLOW = 0.05


class BatchSizer:
    """Doubles from `batch_size` up to `largest_batch` while writes take under 25 ms; halves over 50 ms."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.size = limits.batch_size

    def next_batch(self, entries: list[Entry]) -> list[Entry]:
        """The leading entries, at most `size` of them and `batch_bytes` together, one at least."""
        ends = accumulate([len(payload) for _, payload in entries[: self.size]])
        return entries[: max(1, bisect_right(list(ends), self._limits.batch_bytes))]

    def took(self, seconds: float, *, has_backlog: bool) -> None:
        """Learn from a delivered batch."""
        if seconds > SLOW:
            self.size = max(self._limits.batch_size, self.size // 2)
        elif seconds < QUICK and has_backlog:
            self.size = min(self._limits.largest_batch, self.size * 2)
