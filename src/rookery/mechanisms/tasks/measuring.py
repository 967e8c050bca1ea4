"""What a worker counts of its tasks, at a few additions for each; metrics.py tells it to Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)
"""Seconds up to which there are classes of durations; one more has all that is longer."""


class Durations:
    """How many durations of each class there were, and their sum."""

    __slots__ = ("_counts", "sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def up_to(self) -> Iterator[tuple[str, int]]:
        """For each bound how many were no longer, as Prometheus has it."""
        return zip((*map(str, BOUNDS), "+Inf"), accumulate(self._counts), strict=True)


class Measures:
    """By type of task: how long they waited for a hand and ran, and how their attempts ended.

    One thread writes; whoever reads meanwhile may see a task counted here and not there yet.
    """

    def __init__(self) -> None:
        self.waits: dict[str, Durations] = {}
        self.runs: dict[str, Durations] = {}
        self.attempts: Counter[tuple[str, str]] = Counter()

    def began(self, type_: str, waited: float) -> None:
        """An attempt begins, so many seconds after it could have."""
        (self.waits.get(type_) or self.waits.setdefault(type_, Durations())).add(max(waited, 0.0))

    def ended(self, type_: str, outcome: str, seconds: float) -> None:
        """It has ended like this."""
        (self.runs.get(type_) or self.runs.setdefault(type_, Durations())).add(seconds)
        self.attempts[type_, outcome] += 1
