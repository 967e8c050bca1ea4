"""Taking tasks from workers that are gone: dead on this machine, or without a sign of life for a lease."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec

from rookery.base.clock import now_us
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.claiming import free_limits
from rookery.mechanisms.tasks.errors import TaskCancelled, WorkerLost
from rookery.mechanisms.tasks.notices import FAILED, LOST, note
from rookery.mechanisms.tasks.outcomes import TaskFailure
from rookery.mechanisms.tasks.presence import dead_workers
from rookery.mechanisms.tasks.rules import MOST_KILLS, TaskStatus
from rookery.mechanisms.tasks.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

# In the order of an expression: in that of the primary key SQLite would read the whole table.
_ROWS = """
    SELECT id, type, worker_id, attempts, started_us, kills, limits, cancel_us, run_at_us FROM task
    WHERE status = 'running' AND {condition} ORDER BY id || '' {locked}"""
_LOST = "DELETE FROM task_worker WHERE id = :id RETURNING host"
_AGAIN = """
    UPDATE task SET status = :status, run_at_us = :at, worker_id = NULL, lease_until_us = NULL,
        kills = kills + 1, dispatched_us = NULL WHERE id = :id"""
_END = """
    UPDATE task SET status = :status, worker_id = NULL, lease_until_us = NULL, kills = kills + 1,
        finished_us = :now, holds_key = false, error = :error WHERE id = :id"""
_ATTEMPT = """
    INSERT INTO task_attempt (task_id, number, worker_id, started_us, ended_us, outcome, error)
    VALUES (:id, :attempts, :worker_id, :started_us, :now, 'worker lost', NULL) ON CONFLICT DO NOTHING"""

SPREAD_SECONDS = 5.0
"""Over so long those are spread that two workers have died under: the next is to die under one alone."""


def reclaim_dead(engine: Engine, data_dir: Path) -> list[str]:
    """Take everything from workers of this data directory that have died; which those were."""
    dead = dead_workers(data_dir)
    for worker_id in dead:
        with engine.begin() as connection:
            tally = Tally()
            reclaim(connection, worker_id, tally)
            tally.write(connection)
    return dead


def reclaim(connection: Connection, worker_id: str, tally: Tally) -> int:
    """Take everything from a worker that has died; how many tasks those were."""
    for row in sql.run(connection, _LOST, {"id": worker_id}):
        note(connection, LOST, worker_id, host=row.host)
    statement = _ROWS.format(condition="worker_id = :id", locked=sql.locked(connection))
    return _take(connection, sql.run(connection, statement, {"id": worker_id}).all(), tally)


def reclaim_expired(connection: Connection, tally: Tally) -> int:
    """Take the tasks whose lease has run out; how many those were."""
    statement = _ROWS.format(condition="lease_until_us < :now", locked=sql.skipping_locked(connection))
    return _take(connection, sql.run(connection, statement, {"now": now_us()}).all(), tally)


def _take(connection: Connection, rows: list[Any], tally: Tally) -> int:
    for row in rows:
        tally.move(row.type, TaskStatus.RUNNING, _taken(connection, row))
    return len(rows)


def _taken(connection: Connection, row: Any) -> TaskStatus:
    """It is done again, unless somebody has cancelled it, or it seems to be what its workers die of."""
    now = now_us()
    noted = {name: getattr(row, name) for name in ("id", "attempts", "worker_id", "started_us")}
    sql.run(connection, _ATTEMPT, noted | {"now": now})
    end = _end_of(row)
    status = _again(connection, row, now) if end is None else _ended(connection, row, now, *end)
    if row.limits is not None:
        free_limits(connection, row.id)
    return status


def _again(connection: Connection, row: Any, now: int) -> TaskStatus:
    """At once after the first worker; after the second not together with the others that it had."""
    status, at = TaskStatus.PENDING, row.run_at_us
    if row.kills:
        status, at = TaskStatus.RETRYING, now + int(random.uniform(0, SPREAD_SECONDS) * 1e6)
    sql.run(connection, _AGAIN, {"id": row.id, "status": status.value, "at": at})
    return status


def _ended(connection: Connection, row: Any, now: int, status: TaskStatus, why: TaskFailure) -> TaskStatus:
    error = msgspec.json.encode(why).decode()
    sql.run(connection, _END, {"id": row.id, "now": now, "status": status.value, "error": error})
    if status is TaskStatus.FAILED:
        note(connection, FAILED, row.id, type=row.type, error=why.error, message=why.message)
    return status


def _end_of(row: Any) -> tuple[TaskStatus, TaskFailure] | None:
    if row.cancel_us is not None:
        return TaskStatus.CANCELLED, _failure(TaskCancelled)
    if row.kills + 1 >= MOST_KILLS:
        return TaskStatus.FAILED, _failure(WorkerLost, f"{row.kills + 1} workers died while they ran it. ")
    return None


def _failure(kind: type[TaskCancelled | WorkerLost], said: str = "") -> TaskFailure:
    return TaskFailure(error=kind.__name__, message=f"{said}{kind.__doc__}", code=kind.code)
