"""When a batch is due, and when a put must wake the writer for it. Used under the buffer's lock."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.mechanisms.writebehind.limits import Limits

NEVER = sys.maxsize


class Due:
    """`rouse_at` items or `rouse_bytes` queued are worth a wake-up; a lull ends with the first item."""

    __slots__ = ("_flush_upto", "_limits", "_oldest", "is_ending", "is_urgent", "rouse_at", "rouse_bytes")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.rouse_at, self.rouse_bytes = 1, NEVER
        self._oldest = 0.0
        self._flush_upto = 0
        self.is_urgent = self.is_ending = False

    def rouse(self) -> None:
        """The writer is being told; nothing more is worth a wake-up until it has looked."""
        if self.rouse_at == 1:
            self._oldest = time.monotonic()
        self.rouse_at = self.rouse_bytes = NEVER

    def fall_asleep(self, count: int, *, is_nap: bool) -> None:
        """Decide what ends the writer's sleep; no put ends a nap."""
        self.rouse_at = self.rouse_bytes = NEVER
        if not is_nap:
            self.rouse_at = min(self._limits.batch_size, self._limits.capacity) if count else 1
            self.rouse_bytes = min(self._limits.batch_bytes, self._limits.capacity_bytes)
        if not count:
            self._oldest = time.monotonic()

    def taken(self) -> None:
        """All that was queued has been taken; what comes from now on is younger."""
        self.rouse_at = self.rouse_bytes = NEVER
        self.is_urgent = False
        self._oldest = time.monotonic()

    def flush(self, upto: int) -> None:
        """Somebody waits for this number."""
        self._flush_upto = upto

    def seconds(self, count: int, size: int, settled: int) -> float:
        """How long the writer may sleep with `count` items of `size` bytes queued: 0 when a batch is due."""
        if self.is_ending:
            return 0.0
        if not count:
            return math.inf
        is_enough = count >= self._limits.batch_size or size >= self._limits.batch_bytes
        if is_enough or self.is_urgent or self._flush_upto > settled:
            return 0.0
        return self._oldest + self._limits.batch_interval - time.monotonic()

    def oldest_age(self) -> float:
        """Seconds since the oldest queued item was put, at most."""
        return max(0.0, time.monotonic() - self._oldest)
