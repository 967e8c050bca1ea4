"""A task in a worker's hands, and the attempt at it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from rookery.base.structs import ready
from rookery.mechanisms.tasks.artifacts import path_of
from rookery.mechanisms.tasks.claiming import Claimed
from rookery.mechanisms.tasks.context import Progress, TaskContext
from rookery.mechanisms.tasks.outcomes import Outcome, completed, failed, stopped
from rookery.mechanisms.tasks.registry import Runs, TaskType
from rookery.mechanisms.tasks.rules import RetryPolicy
from rookery.mechanisms.tasks.worker.watching import watched

ACTORS = 64
"""So many people's Rooks are kept by those who do tasks in their names."""


class Job:
    """One attempt: what was claimed, how its type is done, and the context its function is given."""

    def __init__(self, task: Claimed, kind: TaskType, context: TaskContext) -> None:
        self.task, self.kind, self.context = task, kind, context
        self.began: float | None = None
        self.seconds = 0.0
        self.give_up_at: float | None = None
        self.written = Progress()
        self.outcome: Outcome | None = None

    @property
    def deadline(self) -> float | None:
        """When it will have run for too long, by the monotonic clock; None when it has no time limit."""
        began, timeout = self.began, self.task.timeout
        return None if began is None or timeout is None else began + timeout

    @property
    def policy(self) -> RetryPolicy:
        """The task's own, or that of its type."""
        text = self.task.retry
        return self.kind.retry if text is None else msgspec.json.decode(text, type=ready(RetryPolicy))

    def payload(self) -> Any:
        """What the function is called with. Raises PayloadNotValid."""
        return self.kind.decode(self.task.payload)

    def begin(self) -> None:
        """From now on its time runs."""
        self.began = time.monotonic()

    def end(self) -> None:
        """It has run for so long."""
        self.seconds = time.monotonic() - (self.began or 0.0)

    def returned(self, result: Any) -> Outcome:
        """It has ended by itself."""
        return completed(self.task, result)

    def raised(self, error: BaseException) -> Outcome:
        """It has ended by an error; one that was told to stop ended for that reason."""
        reason = self.context.reason
        if reason is None:
            return failed(self.task, error, self.policy)
        if error is not reason:
            reason.__cause__ = error  # for its traceback: where it was
        return stopped(self.task, reason, self.policy)

    def attempt(self, call: Callable[[Any], Any]) -> Outcome:
        """Call with the payload, and say how that ended."""
        self.begin()
        try:
            self.context.check()
            with watched(self):
                self.outcome = self.returned(call(self.payload()))
        except BaseException as error:  # noqa: BLE001  whatever a task raises, its worker goes on
            self.outcome = self.raised(error)
        self.end()
        return self.outcome


def context_of(task: Claimed, data_dir: str | Path) -> TaskContext:
    """What the function of a task is given, in this process."""
    folder = path_of(data_dir, task.id)
    return TaskContext(task.id, task.attempt, folder=folder, actor=task.actor, parent_id=task.parent_id)


class Batch:
    """Jobs that are done one after the other; those not begun yet can be taken back, from any thread."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = list(jobs)
        self.runs: Runs = jobs[0].kind.runs
        self.began = time.monotonic()
        self._left = deque(jobs)

    @property
    def is_waiting(self) -> bool:
        """Whether some have not been begun."""
        return bool(self._left)

    def next(self) -> Job | None:
        """The next to begin with."""
        return _popped(self._left.popleft)

    def take_back(self) -> list[Job]:
        """What has not been begun, and will not be now."""
        taken: list[Job] = []
        while job := _popped(self._left.pop):
            taken.append(job)
        return taken


def _popped(pop: Callable[[], Job]) -> Job | None:
    try:
        return pop()
    except IndexError:
        return None


Over = Callable[[Batch], None]


class Hands(Protocol):
    """Where functions of one kind run."""

    def start(self, batch: Batch, over: Over) -> None:
        """Do these beside what else there is to do; `over(batch)` is called, from any thread, when each that
        was begun has an outcome."""
        ...

    def interrupt(self, job: Job) -> None:
        """The context of a job that was begun has been stopped: make it notice."""
        ...

    def abandon(self, job: Job) -> None:
        """It did not notice in time: kill it, or let it be."""
        ...

    def close(self) -> None:
        """Nothing more is started."""
        ...
