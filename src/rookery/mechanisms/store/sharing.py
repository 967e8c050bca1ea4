"""Group commit: writers that come at the same time share one transaction, and so one flush to the disk.

Whoever has its turn does what all the others ask for who wait by then (DeWitt et al., SIGMOD 1984). A writer
who is alone waits for nobody, and pays for nothing but the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from rookery.base.errors import Unavailable
from rookery.mechanisms.store.faults import explained

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")


class CommitNotHeardOf(Unavailable):
    """Another thread was interrupted while it committed this with its own: look whether it was done."""


class Part:
    """What one caller asks for, and what came of it."""

    def __init__(self, act: Callable[[Connection], Any], order: str) -> None:
        self.act, self.order = act, order
        self.result: Any = None
        self.error: BaseException | None = CommitNotHeardOf()


class SharedCommits:
    """The transactions that the threads of a process share, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._asked: list[Part] = []

    def run(self, act: Callable[[Connection], T], order: str = "") -> T:
        """What `act` returns, once it is committed; if it raises, nothing of it is done.

        It is called again, alone, when another's part of the transaction failed. Those of a transaction are
        called in their `order`: processes that lock rows in the same order do not wait for each other in a
        circle. Raises what `act` does, the kinds of `store.faults`, and CommitNotHeardOf.
        """
        mine = Part(act, order)
        self._asked.append(mine)
        with self._turn:
            if mine in self._asked:
                self._commit(self._taken())
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    def _taken(self) -> list[Part]:
        taken = self._asked.copy()
        del self._asked[: len(taken)]  # others may have come since
        return sorted(taken, key=lambda part: part.order)

    def _commit(self, parts: Sequence[Part]) -> None:
        is_committing = False
        try:
            with explained(self._engine), self._engine.begin() as connection:
                for part in parts:
                    part.result = part.act(connection)
                is_committing = True
        except Exception as error:  # noqa: BLE001  it is raised by whom it belongs to
            self._after(error, parts, is_committing=is_committing)
        else:
            for part in parts:
                part.error = None

    def _after(self, error: Exception, parts: Sequence[Part], *, is_committing: bool) -> None:
        """One part has failed: which one shows when each is alone. A commit that failed may have been made
        all the same, where its answer was lost: nothing of it is done twice."""
        if is_committing or len(parts) == 1:
            for part in parts:
                part.error = error
        else:
            for part in parts:
                self._commit([part])
