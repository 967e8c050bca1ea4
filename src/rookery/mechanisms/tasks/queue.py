"""Who runs what was submitted: the workers of this database, or the caller itself."""

from __future__ import annotations

import inspect
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from rookery.mechanisms.tasks.claiming import claim_one, promote
from rookery.mechanisms.tasks.events import TaskCancelled, TaskRequeued, TaskSubmitted
from rookery.mechanisms.tasks.finishing import finish
from rookery.mechanisms.tasks.losing import reclaim_dead
from rookery.mechanisms.tasks.outcomes import Outcome, cancelled
from rookery.mechanisms.tasks.presence import Presence, wake_all
from rookery.mechanisms.tasks.tally import Tally
from rookery.mechanisms.tasks.worker.job import Job, context_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from rookery.mechanisms.async_rook import AsyncRook
    from rookery.mechanisms.rook import Listener, Rook
    from rookery.mechanisms.tasks.measuring import Measures
    from rookery.mechanisms.tasks.registry import TaskTypes

Announced = TaskSubmitted | TaskRequeued


class AnyWorker(Protocol):
    """Runs tasks, whatever the backend: `run` in one thread, `stop` from any other."""

    @property
    def concurrency(self) -> int:
        """So many tasks it does at a time."""
        ...

    @property
    def presence(self) -> Presence:
        """What the database knows it by."""
        ...

    @property
    def measures(self) -> Measures:
        """What it has counted of its tasks."""
        ...

    def run(self) -> None:
        """Work until `stop()` has been called and all is recorded."""
        ...

    def stop(self) -> None:
        """Take no more tasks; at the second call, give back what runs."""
        ...


class TaskQueue(ABC):
    """A backend. What a task is, and where it stands, is in its row; this decides who runs it, and when."""

    name: ClassVar[str]

    def __init__(self, types: TaskTypes) -> None:
        self.types = types

    @property
    def hands_over(self) -> bool:
        """Whether `dispatch` hands a task over, so that its row says so from the start."""
        return False

    @abstractmethod
    def dispatch(self, rook: Rook, event: Announced) -> None:
        """A task is pending, and committed: see that somebody runs it. Raises nothing."""

    @abstractmethod
    def interrupt(self, rook: Rook, event: TaskCancelled) -> None:
        """A task was cancelled, and it is committed: let whoever runs it know. Raises nothing."""

    def problems(self) -> tuple[str, ...]:
        """Sentences about what it needs and does not find now."""
        return ()

    def close(self) -> None:  # noqa: B027  most have opened nothing
        """Let go of what it has opened."""

    def listeners(self) -> Mapping[type, list[Listener]]:
        """What a Rook is to call after its commits."""
        return {
            TaskSubmitted: [self.dispatch],
            TaskRequeued: [self.dispatch],
            TaskCancelled: [self.interrupt],
        }


class DatabaseQueue(TaskQueue):
    """Workers look into the database, and are woken when there is something in it."""

    name = "database"

    def dispatch(self, rook: Rook, event: Announced) -> None:  # noqa: ARG002  they look for themselves
        rook.offload(wake_all, rook.data_dir)

    def interrupt(self, rook: Rook, event: TaskCancelled) -> None:  # noqa: ARG002
        rook.offload(wake_all, rook.data_dir)


class InlineQueue(TaskQueue):
    """Whoever submits a task does it: it has ended when `submit_task` returns, retries and waiting included.

    One that is submitted for later, or that waits for a limit, stays for a worker. Nobody watches over its
    timeout. `opens` gives, for a Rook, one that may block; `aopens` gives coroutine functions theirs.
    """

    name = "inline"

    def __init__(
        self,
        types: TaskTypes,
        opens: Callable[[Rook], AbstractContextManager[Rook]],
        aopens: Callable[[], AbstractAsyncContextManager[AsyncRook]],
    ) -> None:
        super().__init__(types)
        self._opens, self._aopens = opens, aopens

    def dispatch(self, rook: Rook, event: Announced) -> None:
        """On an event loop, in a thread beside it: it goes on when its submitter does not wait any more."""
        rook.offload(self._see_through, rook, event.task_id)

    def interrupt(self, rook: Rook, event: TaskCancelled) -> None:
        """Nobody but its submitter runs a task, and that one waits for it."""

    def _see_through(self, rook: Rook, task_id: str) -> None:
        with self._opens(rook) as own, Presence(own.data_dir) as presence:
            reclaim_dead(own.engine, own.data_dir)
            while (job := self._attempted(own, presence.id, task_id)) and job.is_to_be_retried:
                time.sleep(job.delay + 0.001)
                self._promote(own)
        if job and isinstance(job.error, KeyboardInterrupt):
            raise job.error

    def _attempted(self, rook: Rook, worker: str, task_id: str) -> Job | None:
        """What came of the next attempt; None when there is none."""
        tally = Tally()
        with rook.transaction() as session:
            connection = session.connection()
            task = claim_one(connection, worker, task_id, tally, types=self.types, lease=LONGEST_INLINE)
            tally.write(connection)
        if task is None:
            return None
        job = Job(task, self.types[task.type], context_of(task, rook.data_dir))
        job.outcome = self._done(rook, job)
        with rook.transaction() as session:
            finish(session.connection(), worker, [job.outcome], tally)
            tally.write(session.connection())
        return job

    def _done(self, rook: Rook, job: Job) -> Outcome:
        if inspect.iscoroutinefunction(job.kind.function):
            outcome = job.attempt(lambda payload: rook.wait_for(self._awaited, job, payload))
        else:
            acting = rook.acting_as(job.context.actor)
            outcome = job.attempt(partial(job.kind.function, acting, job.context))
        return cancelled(job.task, job.error) if isinstance(job.error, KeyboardInterrupt) else outcome

    async def _awaited(self, job: Job, payload: Any) -> Any:
        async with self._aopens() as rook:
            return await job.kind.function(rook.acting_as(job.context.actor), job.context, payload)

    def _promote(self, rook: Rook) -> None:
        tally = Tally()
        with rook.transaction() as session:
            promote(session.connection(), tally)
            tally.write(session.connection())


LONGEST_INLINE = 86_400.0
"""Seconds a task done in line is its submitter's, who gives no sign of life but that its process lives."""
