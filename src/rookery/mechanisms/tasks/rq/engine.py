"""The worker of the database backend, told by RQ's half which tasks to claim."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rookery.mechanisms.tasks.claiming import Claimed, claim_one
from rookery.mechanisms.tasks.worker.core import Worker

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.outcomes import Outcome
    from rookery.mechanisms.tasks.registry import Runs
    from rookery.mechanisms.tasks.rq.books import Popped
    from rookery.mechanisms.tasks.rq.ledger import Ledger
    from rookery.mechanisms.tasks.rq.sweeper import Sweeper
    from rookery.mechanisms.tasks.worker.job import Hands


class Engine(Worker):
    """Claims the tasks of popped jobs, does them, keeps their leases, and tells the ledger."""

    def __init__(
        self,
        rook: Rook,
        hands: Mapping[Runs, Hands],
        *,
        concurrency: int | None,
        grace: float,
        ledger: Ledger,
        sweeper: Sweeper,
        when_resized: Callable[[], None],
    ) -> None:
        super().__init__(rook, hands, concurrency=concurrency, grace=grace)
        self._ledger, self._sweeper, self._when_resized = ledger, sweeper, when_resized
        self._inbox: deque[Popped] = deque()
        self._asked: list[tuple[Popped, Claimed | None]] = []

    def take(self, popped: Popped) -> None:
        """Claim its task and do it; from RQ's thread."""
        self._inbox.append(popped)
        self.presence.nudge()

    def unclaimed(self) -> Iterable[Popped]:
        """What it was given and did not get to before it ended."""
        return tuple(self._inbox)

    def _follow(self, rook: Rook) -> None:
        before = self.concurrency
        super()._follow(rook)
        if self.concurrency != before:
            self._when_resized()

    def _wants(self) -> bool:
        return bool(self._inbox) and self._free() > 0

    def _claimed(self, connection: Connection) -> list[Claimed]:
        self._is_more = False
        given = [self._inbox[at] for at in range(min(len(self._inbox), self._free()))]
        self._asked = [(popped, self._claim(connection, popped)) for popped in given]
        return [task for _, task in self._asked if task is not None]

    def _claim(self, connection: Connection, popped: Popped) -> Claimed | None:
        return claim_one(connection, self.presence.id, popped.job.task_id, types=self._only)

    def _start(self, claimed: Sequence[Claimed]) -> None:
        for popped, task in self._asked:
            self._inbox.popleft()
            if task is None:
                self._ledger.dropped(popped)
            else:
                self._ledger.began(popped, task)
        self._asked = []
        super()._start(claimed)

    def _recorded(self, outcomes: Sequence[Outcome], lost: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._ledger.ended(outcome, is_lost=outcome in lost)
        super()._recorded(outcomes, lost)
        if any(outcome.task.limits for outcome in outcomes):
            self._sweeper.wake()  # the next one that waits for the limit is pending now

    def _tend(self) -> None:
        if self._upkeep.turn():
            self._sweeper.wake()
