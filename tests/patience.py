"""How long a test waits for what must come, on a machine that does other things besides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 120.0
"""Seconds. Only a failing test waits so long; none measures speed by it."""


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return when that is so; soon, or the test fails."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"that never was: {is_so}"
        time.sleep(0.02)
