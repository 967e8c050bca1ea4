"""Writing down how attempts ended, each only if it is still the current one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from rookery.base.clock import now_us
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.claiming import CLAIMED, Claimed, free_limits
from rookery.mechanisms.tasks.errors import TaskCancelled
from rookery.mechanisms.tasks.notices import FAILED, note
from rookery.mechanisms.tasks.outcomes import Outcome, TaskFailure, cancelled, given_back
from rookery.mechanisms.tasks.rules import ENDED, TaskStatus
from rookery.mechanisms.tasks.tally import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MINE = """
    SELECT id, attempts, cancel_us FROM task
    WHERE worker_id = :worker AND status = 'running' ORDER BY id {locked}"""
_STRAYS = f"SELECT {CLAIMED} FROM task WHERE worker_id = :worker AND status = 'running'"  # noqa: S608
_COMPLETE = """
    UPDATE task SET status = 'completed', result = :result, error = NULL, finished_us = :now,
        worker_id = NULL, lease_until_us = NULL, holds_key = false WHERE id = :id"""
_END = """
    UPDATE task SET status = :status, error = :error, finished_us = :now, failures = :failures,
        worker_id = NULL, lease_until_us = NULL, holds_key = false WHERE id = :id"""
_RETRY = """
    UPDATE task SET status = 'retrying', error = :error, run_at_us = :run_at, failures = :failures,
        rank = rank - run_at_us + :run_at, worker_id = NULL, lease_until_us = NULL WHERE id = :id"""
_GIVE_BACK = """
    UPDATE task SET status = 'pending', worker_id = NULL, lease_until_us = NULL WHERE id = :id"""
_NOTE = """
    INSERT INTO task_attempt (task_id, number, worker_id, started_us, ended_us, outcome, error)
    SELECT id, attempts, :worker, started_us, :now, :outcome, :error FROM task WHERE id = :id
    ON CONFLICT DO NOTHING"""


def finish(connection: Connection, worker: str, outcomes: Sequence[Outcome], tally: Tally) -> list[Outcome]:
    """Record how attempts ended; those are returned that were not the current ones any more.

    What this worker holds is locked first, so that neither its lease nor a cancellation can come between.
    """
    mine = {
        (row.id, row.attempts): row.cancel_us is not None
        for row in sql.run(connection, _MINE.format(locked=sql.locked(connection)), {"worker": worker})
    }
    current = [each for each in outcomes if _attempt_of(each) in mine]
    current = [_unless_cancelled(each) if mine[_attempt_of(each)] else each for each in current]
    _complete(connection, [each for each in current if each.status is TaskStatus.COMPLETED])
    for outcome in current:
        if outcome.status is not TaskStatus.COMPLETED:
            _end(connection, worker, outcome)
        _left(connection, outcome, tally)
    return [each for each in outcomes if _attempt_of(each) not in mine]


def give_back_strays(connection: Connection, worker: str, known: Collection[str], tally: Tally) -> int:
    """Give back what this worker holds and does not know of: it never heard that it had been given it."""
    rows = [Claimed(*row) for row in sql.run(connection, _STRAYS, {"worker": worker})]
    strays = [given_back(task) for task in rows if task.id not in known]
    if strays:
        finish(connection, worker, strays, tally)
    return len(strays)


def _attempt_of(outcome: Outcome) -> tuple[str, int]:
    return outcome.task.id, outcome.task.attempt


def _unless_cancelled(outcome: Outcome) -> Outcome:
    """What somebody has cancelled meanwhile is not begun again."""
    if outcome.status in ENDED:
        return outcome
    stopped = cancelled(outcome.task, TaskCancelled())
    return stopped if outcome.failure is None else replace(stopped, failure=outcome.failure)


def _complete(connection: Connection, good: Sequence[Outcome]) -> None:
    now = now_us()
    if good:
        values = [{"id": each.task.id, "result": each.result, "now": now} for each in good]
        sql.run(connection, _COMPLETE, values)


def _end(connection: Connection, worker: str, outcome: Outcome) -> None:
    """Record an attempt that did not complete its task."""
    now, task = now_us(), outcome.task
    error = _json(outcome.failure)
    said = outcome.word
    sql.run(connection, _NOTE, {"id": task.id, "worker": worker, "now": now, "outcome": said, "error": error})
    values: dict[str, Any] = {"id": task.id, "error": error, "failures": task.failures + 1}
    if outcome.status in ENDED:
        sql.run(connection, _END, values | {"status": outcome.status.value, "now": now})
        if outcome.status is TaskStatus.FAILED and outcome.failure is not None:
            failure = outcome.failure
            note(connection, FAILED, task.id, type=task.type, error=failure.error, message=failure.message)
    elif outcome.status is TaskStatus.RETRYING:
        sql.run(connection, _RETRY, values | {"run_at": now + int(outcome.delay * 1e6)})
    else:
        sql.run(connection, _GIVE_BACK, {"id": task.id})


def _left(connection: Connection, outcome: Outcome, tally: Tally) -> None:
    """It runs no more: it is counted elsewhere, and its places are free."""
    tally.move(outcome.task.type, TaskStatus.RUNNING, outcome.status)
    if outcome.task.limits is not None:
        free_limits(connection, outcome.task.id)


def _json(failure: TaskFailure | None) -> str | None:
    return None if failure is None else msgspec.json.encode(failure).decode()
