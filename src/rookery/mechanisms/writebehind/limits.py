"""How much a queue holds, and when it delivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rookery.base.errors import Invalid

WhenFull = Literal["block", "raise", "drop"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts of items, sizes in bytes, times in seconds.

    `largest_batch` is how far batches may grow in a backlog.
    """

    batch_size: int
    batch_bytes: int
    batch_interval: float
    largest_batch: int
    capacity: int
    capacity_bytes: int

    def __post_init__(self) -> None:
        for name in ("batch_size", "batch_bytes", "largest_batch", "capacity", "capacity_bytes"):
            if getattr(self, name) < 1:
                raise Invalid(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.batch_interval < 0:
            raise Invalid(f"batch_interval is {self.batch_interval}; it must not be negative.")
