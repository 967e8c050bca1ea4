"""How far a run is, by its work list: so many pairs of target and template of all that there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rookery.mechanisms.hooks import Progress

if TYPE_CHECKING:
    from rookery.mechanisms.engine import Template

SAID_EVERY = 0.1  # seconds


class Advance:
    """Of all `pairs`, so many are `left`, which send so many `requests` at most: these tell the per cent."""

    def __init__(self, pairs: int, left: int, requests: int) -> None:
        self._pairs, self._done = pairs, pairs - left
        self._requests, self._sent = requests, 0
        self._due = 0.0

    def over(self, template: Template) -> Progress | None:
        """One more pair is done; what is to be said of it, not too often."""
        self._done += 1
        self._sent += template.request_count
        now = time.monotonic()
        if now < self._due and self._sent < self._requests:
            return None
        self._due = now + SAID_EVERY
        return Progress(
            percent=100 * self._sent / self._requests if self._requests else 100.0,
            detail=f"{self._done} of {self._pairs} checks",
            done=self._done,
            total=self._pairs,
        )
