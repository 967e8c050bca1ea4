"""A worker's chores, each in a thread of its own: a slow one keeps no task waiting, nor another chore."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

from rookery.base.clock import now_us
from rookery.base.errors import Unavailable

if TYPE_CHECKING:
    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.registry import Chore

log = logging.getLogger(__name__)

REST_SECONDS = 0.05
"""So long at least is between two calls, whatever a chore says."""

FAREWELL_SECONDS = 10.0
"""So long a chore that is under way is waited for; then it ends with the process."""


class Chores:
    """Each whenever it wants to be done, as long as this is entered. One that fails is done again later."""

    def __init__(self, rook: Rook, chores: Sequence[Chore]) -> None:
        self._rook = rook
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=partial(self._serve, chore), name=f"rookery-{chore.name}", daemon=True)
            for chore in chores
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(FAREWELL_SECONDS)

    def _serve(self, chore: Chore) -> None:
        seconds, is_failing = 0.0, False
        while not self._over.wait(seconds):
            try:
                seconds, is_failing = self._done(chore), False
            except Exception as error:  # noqa: BLE001  whatever it is, it may be over the next time
                if not is_failing:
                    _complain(chore, error)
                seconds, is_failing = chore.every, True

    def _done(self, chore: Chore) -> float:
        """Do it; in how many seconds it wants to be done again."""
        wanted = chore.act(self._rook)
        wait = chore.every if wanted is None else (wanted - now_us()) / 1e6
        return min(max(wait, REST_SECONDS), chore.every)


def _complain(chore: Chore, error: Exception) -> None:
    details = None if isinstance(error, Unavailable) else error
    log.warning("%s fails, and is tried again: %s", chore.name, error, exc_info=details)
