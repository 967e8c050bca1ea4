"""Reading tasks: one, a page of them, and how the queue as a whole is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.structs import ready
from rookery.mechanisms.dual import dual_read
from rookery.mechanisms.store import sql
from rookery.mechanisms.store.names import Called, by_id
from rookery.mechanisms.tasks.errors import TaskNotFound
from rookery.mechanisms.tasks.models import Task, TaskAttempt, TaskWorker
from rookery.mechanisms.tasks.outcomes import TaskFailure
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.tally import counts

ALIVE_FOR_US = 90_000_000
"""A worker that was seen so lately is taken for alive, from afar."""


LONG_AGE = 300.0
"""Seconds from which a task has waited for too long."""

CALLED = Called("task", "rookery tasks list", TaskNotFound)


class Attempt(msgspec.Struct, frozen=True):
    """An attempt that did not complete its task; times are microseconds since 1970 UTC."""

    number: int
    worker_id: str
    started_us: int | None
    ended_us: int
    outcome: str
    failure: TaskFailure | None


class TaskInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it stands. Times are microseconds since 1970 UTC, `timeout` is in seconds.

    `done` of `total` and `message` are its progress; `failed_attempts` the attempts that did not complete it.
    """

    id: str
    type: str
    status: TaskStatus
    payload: Any
    actor: str
    priority: int
    parent_id: str | None
    idempotency_key: str | None
    timeout: float | None
    created_us: int
    run_at_us: int
    started_us: int | None
    finished_us: int | None
    worker_id: str | None
    waits_for: str | None
    is_cancelling: bool
    attempts: int
    done: int | None
    total: int | None
    message: str
    result: Any = None
    failure: TaskFailure | None = None
    failed_attempts: tuple[Attempt, ...] = ()


class WorkerInfo(msgspec.Struct, frozen=True):
    """A worker that has begun and not ended, and the types of tasks that it takes."""

    id: str
    host: str
    pid: int
    concurrency: int
    types: tuple[str, ...]
    started_us: int
    seen_us: int


class QueueHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the queue is. `counts` are tasks by status, `types` the same by type; `oldest_s` is for how long
    the task that is next could have run; `problems` are sentences, none when all is well."""

    backend: str
    counts: dict[TaskStatus, int]
    types: dict[str, dict[str, int]]
    workers: tuple[WorkerInfo, ...]
    oldest_s: float
    problems: tuple[str, ...] = ()


@dual_read
def get(session: Session, /, task_id: str) -> TaskInfo:
    """One task, by its id or the beginning of it, with the attempts that failed. Raises TaskNotFound."""
    task = by_id(session, Task, task_id, CALLED)
    wanted = select(TaskAttempt).where(TaskAttempt.task_id == task.id).order_by(TaskAttempt.number)
    return _info(task, tuple(map(_attempt, session.scalars(wanted))))


@dual_read
def list_(
    session: Session,
    /,
    *,
    status: Sequence[str] = (),
    type: str | None = None,  # noqa: A002  the field's word
    parent_id: str | None = None,
    ids: Sequence[str] | None = None,
    limit: int = 100,
    before: str | None = None,
) -> list[TaskInfo]:
    """The newest tasks that match, newest first. For the next page pass the last id as `before`."""
    wanted = select(Task).order_by(Task.id.desc()).limit(limit)
    if ids is not None:
        wanted = wanted.where(Task.id.in_(ids))
    if status:
        wanted = wanted.where(Task.status.in_(status))
        if TaskStatus.COMPLETED not in status:
            wanted = wanted.where(Task.status != TaskStatus.COMPLETED)  # or SQLite would not use the index
    if type is not None:
        wanted = wanted.where(Task.type == type)
    if parent_id is not None:
        wanted = wanted.where(Task.parent_id == parent_id)
    if before is not None:
        wanted = wanted.where(Task.id < before)
    return [_info(task) for task in session.scalars(wanted)]


@dual_read
def health(session: Session, /, backend: str) -> QueueHealth:
    """How the queue is, from counters: it takes no longer however many tasks have ended."""
    connection = session.connection()
    by_type = counts(connection)
    workers = tuple(
        WorkerInfo(
            each.id, each.host, each.pid, each.concurrency, _words(each.types), each.started_us, each.seen_us
        )
        for each in session.scalars(select(TaskWorker).order_by(TaskWorker.id))
        if each.seen_us > now_us() - ALIVE_FOR_US
    )
    total = {status: sum(types.get(status, 0) for types in by_type.values()) for status in TaskStatus}
    oldest = sql.run(connection, _OLDEST).scalar()
    age = 0.0 if oldest is None else max(now_us() - oldest, 0) / 1e6
    problems = _problems(by_type, total, workers, age)
    return QueueHealth(
        backend=backend, counts=total, types=by_type, workers=workers, oldest_s=age, problems=problems
    )


_OLDEST = (
    "SELECT run_at_us FROM task WHERE status = 'pending' AND waits_for IS NULL ORDER BY rank, id LIMIT 1"
)


def _problems(
    by_type: dict[str, dict[str, int]],
    total: dict[TaskStatus, int],
    workers: Sequence[WorkerInfo],
    age: float,
) -> tuple[str, ...]:
    found = []
    taken = {type_ for worker in workers for type_ in worker.types}
    waiting = sorted(type_ for type_, counts in by_type.items() if counts[TaskStatus.PENDING])
    if waiting and not workers:
        found.append("Tasks wait, and no worker is there: start one with `rookery worker`.")
    elif left := [type_ for type_ in waiting if type_ not in taken]:
        found.append(
            f"Tasks wait that no worker takes: {', '.join(left)}. Start a worker with these --types."
        )
    elif age > LONG_AGE:
        found.append(
            f"A task has waited for {age:.0f} s: more workers, or a higher --concurrency, would help."
        )
    if failed := total[TaskStatus.FAILED]:
        are = "task has" if failed == 1 else "tasks have"
        found.append(f"{failed:,} {are} failed for good: `rookery tasks list --status failed`.")
    return tuple(found)


def _info(task: Task, attempts: tuple[Attempt, ...] = ()) -> TaskInfo:
    return TaskInfo(
        id=task.id,
        type=task.type,
        status=TaskStatus(task.status),
        payload=msgspec.json.decode(task.payload),
        actor=task.actor,
        priority=task.priority,
        parent_id=task.parent_id,
        idempotency_key=task.key,
        timeout=task.timeout,
        created_us=task.created_us,
        run_at_us=task.run_at_us,
        started_us=task.started_us,
        finished_us=task.finished_us,
        worker_id=task.worker_id,
        waits_for=task.waits_for,
        is_cancelling=task.cancel_us is not None and task.status == TaskStatus.RUNNING,
        attempts=task.attempts,
        done=task.done,
        total=task.total,
        message=task.message,
        result=None if task.result is None else msgspec.json.decode(task.result),
        failure=_failure(task.error),
        failed_attempts=attempts,
    )


def _attempt(row: TaskAttempt) -> Attempt:
    return Attempt(row.number, row.worker_id, row.started_us, row.ended_us, row.outcome, _failure(row.error))


def _failure(text: str | None) -> TaskFailure | None:
    return None if text is None else msgspec.json.decode(text, type=ready(TaskFailure))


def _words(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
