"""What is done often, and need not be done more than once a second."""

from __future__ import annotations

import time


class Clock:
    """Says once a second that it is time."""

    def __init__(self) -> None:
        self._at = 0.0

    def is_due(self) -> bool:
        """Whether it is, and not again so soon."""
        if time.monotonic() < self._at:
            return False
        self._at = time.monotonic() + 1.0
        return True
