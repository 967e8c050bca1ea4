"""What a benchmark yields: one comparison, with the goal it must meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One comparison.

    `value` is what the goal speaks of (a ratio, a latency, a rate), in `unit`; `detail` holds the figures
    of both sides as text. The goal is met when value >= goal, or <= goal for better="less".
    """

    claim: str
    value: float
    unit: str
    goal: float | None
    better: Literal["more", "less"]
    detail: str

    @property
    def verdict(self) -> str:
        """'met', 'missed', or 'no goal' for a figure that is only shown."""
        if self.goal is None:
            return "no goal"
        met = self.value >= self.goal if self.better == "more" else self.value <= self.goal
        return "met" if met else "MISSED"
