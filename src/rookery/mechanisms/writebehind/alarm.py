"""Waking the writer: a raw lock used as an automatic gate, because Event and Condition are not re-entrant."""

from __future__ import annotations

import _thread
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Alarm:
    """`ring` and `set` are called under the buffer's lock, `sleep` outside it, by the writer only."""

    def __init__(self, start_writer: Callable[[], None]) -> None:
        self._gate = _thread.allocate_lock()
        self._gate.acquire()
        self._is_set = False
        self._start_writer = start_writer

    def ring(self) -> None:
        """Wake the writer if it sleeps; start it if it was never started."""
        if self._is_set:
            self._is_set = False
            self._gate.release()
        else:
            self._start_writer()

    def set(self) -> None:
        """From here on ring() wakes. Forgets a ring that came too late for the last sleep."""
        self._gate.acquire(blocking=False)
        self._is_set = True

    def unset(self) -> None:
        """Awake again."""
        self._is_set = False

    def sleep(self, seconds: float) -> bool:
        """Until a ring, which returns True, or for so many seconds."""
        return self._gate.acquire(timeout=min(max(seconds, 0.0), TIMEOUT_MAX))
