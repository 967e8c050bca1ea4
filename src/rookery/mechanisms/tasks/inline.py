"""The synchronous backend: whoever submits a task waits until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, suppress
from typing import TYPE_CHECKING

from rookery.base.errors import Unavailable
from rookery.mechanisms.tasks.claiming import Claimed, claim_one, promote
from rookery.mechanisms.tasks.errors import TaskCancelled
from rookery.mechanisms.tasks.finishing import finish
from rookery.mechanisms.tasks.losing import reclaim_dead
from rookery.mechanisms.tasks.presence import Presence
from rookery.mechanisms.tasks.queue import Announced, TaskQueue
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.tally import Tally
from rookery.mechanisms.tasks.worker.rows import cancelled_of, write_progress
from rookery.mechanisms.tasks.worker.work import Work

if TYPE_CHECKING:
    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks import events
    from rookery.mechanisms.tasks.outcomes import Outcome
    from rookery.mechanisms.tasks.registry import Runs, TaskTypes
    from rookery.mechanisms.tasks.worker.job import Hands

LONGEST_INLINE = 86_400.0
"""Seconds a task done in line is its submitter's, who gives no sign of life but that its process lives."""

LOOK_SECONDS = 0.5
"""Between two looks: progress to the database, a cancellation from it."""


class InlineQueue(TaskQueue):
    """Whoever submits a task does it: it has ended when `submit_task` returns, retries and waiting included.

    One that is submitted for later, or that waits for a limit, stays for a worker. `opens` gives, for a Rook,
    one that may block, and `hands` those who do its tasks.
    """

    name = "inline"

    def __init__(
        self,
        types: TaskTypes,
        opens: Callable[[Rook], AbstractContextManager[Rook]],
        hands: Callable[[Rook], Mapping[Runs, Hands]],
    ) -> None:
        super().__init__(types)
        self._opens, self._hands = opens, hands

    def dispatch(self, rook: Rook, event: Announced) -> None:
        """On an event loop, in a thread beside it: it goes on when its submitter does not wait any more."""
        rook.offload(self._see_through, rook, event.task_id)

    def interrupt(self, rook: Rook, event: events.TaskCancelled) -> None:
        """Its submitter looks for that."""

    def _see_through(self, rook: Rook, task_id: str) -> None:
        with self._opens(rook) as own, Presence(own.data_dir) as presence:
            reclaim_dead(own.engine, own.data_dir)
            with closing(_Submitter(own, presence, self._hands(own))) as submitter:
                while (outcome := submitter.attempted(task_id)) and outcome.status is TaskStatus.RETRYING:
                    time.sleep(outcome.delay + 0.001)
                    submitter.promote()
        if submitter.interruption is not None:
            raise submitter.interruption


class _Submitter:
    """Makes attempts at its task: has each done by its hands, watches it, and records how it ended."""

    def __init__(self, rook: Rook, presence: Presence, hands: Mapping[Runs, Hands]) -> None:
        self._rook, self._presence = rook, presence
        self._work = Work(hands, rook.queue.types, rook.data_dir, presence.nudge)
        self._look_at = 0.0
        self.interruption: KeyboardInterrupt | None = None

    def attempted(self, task_id: str) -> Outcome | None:
        """What came of the next attempt; None when there is none."""
        if (task := self._claimed(task_id)) is None:
            return None
        self._look_at = time.monotonic() + LOOK_SECONDS
        self._work.start([task], 1)
        try:
            self._wait()
        except KeyboardInterrupt as interruption:
            self.interruption = interruption
            self._end(TaskCancelled())
            self._wait()
        return self._recorded()

    def promote(self) -> None:
        """The time of the next attempt has come."""
        with self._rook.transaction() as session:
            promote(session.connection())

    def close(self) -> None:
        """Let the hands go."""
        self._work.close()

    def _claimed(self, task_id: str) -> Claimed | None:
        worker, types = self._presence.id, self._rook.queue.types
        with self._rook.transaction() as session:
            return claim_one(session.connection(), worker, task_id, types=types, lease=LONGEST_INLINE)

    def _wait(self) -> None:
        """Until the attempt has ended."""
        while not self._work.outcomes:
            self._presence.sleep(min(self._look_at, *self._work.alarms()) - time.monotonic())
            self._work.collect()
            if time.monotonic() >= self._look_at:
                self._look()
            self._work.enforce()

    def _look(self) -> None:
        """It may be the task itself that keeps the database busy: then it is looked at later."""
        with suppress(Unavailable):
            if news := self._work.news(of_all=True):
                with self._rook.transaction() as session:
                    write_progress(session.connection(), self._presence.id, news)
                self._work.written(news)
            with self._rook.reading() as session:
                is_cancelled = bool(cancelled_of(session.connection(), self._presence.id))
            if is_cancelled:
                self._end(TaskCancelled())
        self._look_at = time.monotonic() + LOOK_SECONDS

    def _end(self, reason: BaseException) -> None:
        for job in self._work.jobs.values():
            self._work.interrupt(job, reason)

    def _recorded(self) -> Outcome:
        tally = Tally()
        with self._rook.transaction() as session:
            connection, worker = session.connection(), self._presence.id
            write_progress(connection, worker, self._work.news(of_all=False))
            finish(connection, worker, self._work.outcomes, tally)
            tally.write(connection)
        [outcome] = self._work.recorded()
        return outcome
