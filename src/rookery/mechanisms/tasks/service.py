"""What anybody may do with tasks: submit, ask, cancel, have done again, forget."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rookery.base.clock import now_us, to_us
from rookery.base.errors import Invalid
from rookery.base.structs import ready
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import sql
from rookery.mechanisms.store.names import by_id
from rookery.mechanisms.tasks import looking
from rookery.mechanisms.tasks.artifacts import sweep
from rookery.mechanisms.tasks.claiming import limits_of, wake
from rookery.mechanisms.tasks.errors import TaskConflict, TaskNotFound
from rookery.mechanisms.tasks.events import TaskCancelled, TaskRequeued, TasksPruned, TaskSubmitted
from rookery.mechanisms.tasks.looking import QueueHealth, TaskInfo
from rookery.mechanisms.tasks.models import Task
from rookery.mechanisms.tasks.presence import notify
from rookery.mechanisms.tasks.rules import ENDED, RetryPolicy, TaskStatus, rank
from rookery.mechanisms.tasks.submitting import Submission, TaskId, submit
from rookery.mechanisms.tasks.tally import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncSession

    from rookery.mechanisms.tasks.registry import TaskType

PRUNED_AT_ONCE = 2_000
LONGEST_KEY = 200
LONGEST_TIMEOUT = 31_536_000
"""Seconds: a year."""


@dual
def submit_task(
    rook: Rook,
    /,
    task_type: str,
    payload: Any = None,
    *,
    priority: int = 5,
    idempotency_key: str | None = None,
    window: timedelta | None = None,
    run_at: datetime | None = None,
    retry: RetryPolicy | None = None,
    timeout: float | None = None,
    parent_id: str | None = None,
    session: Session | AsyncSession | None = None,
) -> TaskId:
    """Have a task done; its id, durable when this returns, or with the commit of `session`.

    `priority` goes from 0 (first) to 9. While another task with the same `idempotency_key` has not ended, and
    its `window` has not passed, that one's id is returned (`is_new` is false), and nothing is submitted. With
    `run_at` it waits until then. `retry` and `timeout` (seconds) replace those of its type. Raises
    UnknownTaskType, PayloadNotValid, and Invalid for the rest.
    """
    kind, within = rook.queue.types[task_type], None if session is None else _plain(session)
    wanted = _submission(
        rook, kind, {} if payload is None else payload, within, priority=priority, key=idempotency_key,
        window=window, run_at=run_at, retry=retry, timeout=timeout, parent_id=parent_id,
    )  # fmt: skip
    if within is not None:
        return _submitted(rook, wanted, within.connection())
    return rook.shared(partial(_submitted, rook, wanted), order=idempotency_key or "")


def _plain(session: Session | AsyncSession) -> Session:
    return session if isinstance(session, Session) else session.sync_session


def _submitted(rook: Rook, wanted: Submission, connection: Connection) -> TaskId:
    task_id = submit(connection, wanted)
    if task_id.is_new:
        notify(connection)
        rook.emit(TaskSubmitted(str(task_id), wanted.type, wanted.priority, task_id.status))
    return task_id


def _submission(
    rook: Rook,
    kind: TaskType,
    payload: Any,
    session: Session | None,
    *,
    priority: int,
    key: str | None,
    window: timedelta | None,
    run_at: datetime | None,
    retry: RetryPolicy | None,
    timeout: float | None,
    parent_id: str | None,
) -> Submission:
    text, checked = kind.check(payload)
    _check(priority, key, window, run_at, timeout)
    return Submission(
        type=kind.name,
        payload=text,
        actor=rook.actor,
        priority=priority,
        parent_id=parent_id,
        key=key,
        key_until_us=None if window is None else now_us() + window // timedelta(microseconds=1),
        limits=_limits(rook, kind, checked, session),
        retry=None if retry is None else _policy(retry),
        timeout=kind.timeout if timeout is None else timeout,
        run_at_us=None if run_at is None else to_us(run_at),
        is_dispatched=rook.queue.hands_over,
    )


def _limits(rook: Rook, kind: TaskType, payload: Any, session: Session | None) -> str | None:
    if kind.limits is None:
        return None
    with rook.reading() if session is None else nullcontext(session) as looking_up:
        limits = kind.limits(looking_up, rook.current_config(looking_up), payload)
    return _json(limits) if limits else None


def _check(
    priority: int, key: str | None, window: timedelta | None, run_at: datetime | None, timeout: float | None
) -> None:
    if not (isinstance(priority, int) and 0 <= priority <= 9):
        raise Invalid(f"a priority is a whole number from 0 (first) to 9, not {priority}")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Invalid(f"an idempotency key has 1 to {LONGEST_KEY} printable characters")
    if window is not None and window <= timedelta(0):
        raise Invalid(f"a window is longer than nothing, not {window}")
    if run_at is not None and run_at.tzinfo is None:
        raise Invalid("run_at needs a time zone: which moment is meant is not known without one")
    if timeout is not None and not 0 < timeout <= LONGEST_TIMEOUT:
        raise Invalid(f"a timeout is more than 0 and at most {LONGEST_TIMEOUT:,} seconds, not {timeout}")


def _policy(retry: RetryPolicy) -> str:
    text = _json(retry)
    try:
        msgspec.json.decode(text, type=ready(RetryPolicy))  # what is made in Python has not been checked yet
    except msgspec.ValidationError as error:
        raise Invalid(f"that is no retry policy: {error}") from None
    return text


@dual
def get_task(rook: Rook, /, task_id: str) -> TaskInfo:
    """A task as it stands, with its failed attempts. Raises TaskNotFound."""
    return looking.get(rook, task_id)


@dual
def get_task_status(rook: Rook, /, task_id: str) -> TaskStatus:
    """Where a task stands. Raises TaskNotFound."""
    return looking.get(rook, task_id).status


@dual
def get_task_result(rook: Rook, /, task_id: str) -> Any:
    """What a completed task returned; None as long as it has not, or when it returned nothing."""
    return looking.get(rook, task_id).result


@dual
def health(rook: Rook, /) -> QueueHealth:
    """How the queue is."""
    found = looking.health(rook, rook.queue.name)
    return msgspec.structs.replace(found, problems=(*rook.offload(rook.queue.problems), *found.problems))


@dual
def cancel_task(rook: Rook, /, task_id: str) -> bool:
    """Have a task not done, or not go on: what runs is told to stop. False when it has ended. Raises
    TaskNotFound."""
    with rook.transaction() as session:
        row, connection = _locked(session, task_id), session.connection()
        if row.status in ENDED:
            return False
        if row.cancel_us is not None:
            return True
        if row.status == TaskStatus.RUNNING:
            sql.run(connection, _INTERRUPT, {"id": row.id, "now": now_us()})
        else:
            _cancel_waiting(connection, row)
        notify(connection)
        rook.emit(TaskCancelled(row.id, row.type, row.status))
    return True


def _cancel_waiting(connection: Connection, row: Any) -> None:
    sql.run(connection, _CANCEL, {"id": row.id, "now": now_us()})
    _moved(connection, row, TaskStatus.CANCELLED)
    wake(connection, limits_of(row.limits).keys())  # it may have been woken for a place that it does not take


@dual
def retry_task(rook: Rook, /, task_id: str) -> None:
    """Have a task that failed or was cancelled done again, now, with all its retries before it.

    Raises TaskNotFound, and TaskConflict when it has not ended so, or another one has its key now.
    """
    with rook.transaction() as session:
        row, connection = _locked(session, task_id), session.connection()
        if row.status not in {TaskStatus.FAILED, TaskStatus.CANCELLED}:
            raise TaskConflict(
                f"Task {row.id} is {row.status}: only one that failed or was cancelled is done again."
            )
        _requeue(session, row)
        _moved(connection, row, TaskStatus.PENDING)
        notify(connection)
        rook.emit(TaskRequeued(row.id, row.type))


def _requeue(session: Session, row: Any) -> None:
    """It is pending again, and has its key again, unless the time of that has passed."""
    now = now_us()
    is_keyed = row.key is not None and (row.key_until_us is None or row.key_until_us > now)
    values = {"id": row.id, "now": now, "rank": rank(row.priority, now), "holds_key": is_keyed}
    try:
        with session.begin_nested():
            sql.run(session.connection(), _REQUEUE, values)
    except IntegrityError:
        raise TaskConflict(
            f"Task {row.id} is not done again: another one with its idempotency key waits."
        ) from None


@dual
def prune_tasks(rook: Rook, /, before: datetime) -> int:
    """Delete the tasks that ended before a time, and their files; how many those were."""
    count = 0
    while pruned := _prune_some(rook, to_us(before)):
        count += pruned
    sweep(rook)
    if count:
        rook.emit(TasksPruned(before.isoformat(), count))
    return count


def _prune_some(rook: Rook, before_us: int) -> int:
    tally = Tally()
    with rook.transaction() as session:
        connection = session.connection()
        gone = sql.run(connection, _PRUNE, {"before": before_us, "most": PRUNED_AT_ONCE}).all()
        for row in gone:
            tally.add(row.type, row.status, -1)
        if gone:
            sql.run(connection, _PRUNE_ATTEMPTS, [{"id": row.id} for row in gone])
        tally.write(connection)
    return len(gone)


_CANCEL = """
    UPDATE task SET status = 'cancelled', finished_us = :now, cancel_us = :now, waits_for = NULL,
        holds_key = false WHERE id = :id"""
_INTERRUPT = "UPDATE task SET cancel_us = :now WHERE id = :id"
_REQUEUE = """
    UPDATE task SET status = 'pending', run_at_us = :now, rank = :rank, finished_us = NULL, cancel_us = NULL,
        failures = 0, kills = 0, dispatched_us = NULL, holds_key = :holds_key WHERE id = :id"""
# The first condition is looked at again for a row that somebody has just requeued.
_PRUNE = """
    DELETE FROM task WHERE finished_us < :before AND id IN (
        SELECT id FROM task WHERE finished_us < :before ORDER BY finished_us LIMIT :most)
    RETURNING id, type, status"""
_PRUNE_ATTEMPTS = "DELETE FROM task_attempt WHERE task_id = :id"
_ROW = """
    SELECT id, type, status, priority, limits, key, key_until_us, cancel_us FROM task
    WHERE id = :id {locked}"""


def _locked(session: Session, task_id: str) -> Any:
    """The row, which nobody else changes before this transaction ends. Raises TaskNotFound."""
    connection = session.connection()
    id_ = by_id(session, Task, task_id, looking.CALLED).id
    row = sql.run(connection, _ROW.format(locked=sql.locked(connection)), {"id": id_}).one_or_none()
    if row is None:  # it has just been pruned
        raise TaskNotFound(f"There is no task {task_id} any more.")
    return row


def _moved(connection: Connection, row: Any, after: TaskStatus) -> None:
    tally = Tally()
    tally.move(row.type, row.status, after)
    tally.write(connection)


def _json(value: Mapping[str, int] | RetryPolicy) -> str:
    return msgspec.json.encode(value).decode()
