"""What the queue announces, after the commit. What workers see is announced by `notices`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskSubmitted:
    """A task waits to be done, or, `scheduled`, for its time."""

    task_id: str
    type: str
    priority: int
    status: str = "pending"


@dataclass(frozen=True)
class TaskCancelled:
    """Somebody wants a task not to be done, or not to go on."""

    task_id: str
    type: str
    was: str


@dataclass(frozen=True)
class TaskRequeued:
    """Somebody has a task that had failed, or was cancelled, done again."""

    task_id: str
    type: str


@dataclass(frozen=True)
class TaskFailed:
    """A task has failed, and is not tried again by itself."""

    task_id: str
    type: str
    error: str
    message: str


@dataclass(frozen=True)
class WorkerLost:
    """A worker is gone that had not said that it would go."""

    worker_id: str
    host: str


@dataclass(frozen=True)
class TasksPruned:
    """Tasks that ended before a time were deleted: how many."""

    before: str
    count: int


EVENTS = (TaskSubmitted, TaskCancelled, TaskRequeued, TaskFailed, WorkerLost, TasksPruned)
