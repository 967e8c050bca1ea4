"""Bringing tasks into the table, and taking the key of one that is there already for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.rules import TaskStatus, rank

if TYPE_CHECKING:
    from sqlalchemy import Connection


class TaskId(str):
    """The id of a task; `is_new` is false where its idempotency key belonged to it already."""

    is_new = True
    status = TaskStatus.PENDING


class Submission(NamedTuple):
    """A task as it is asked for: everything checked, times in microseconds.

    `is_dispatched` when whoever submits it hands it over, unless it is to wait.
    """

    type: str
    payload: str
    actor: str
    priority: int
    parent_id: str | None = None
    key: str | None = None
    key_until_us: int | None = None
    limits: str | None = None
    retry: str | None = None
    timeout: float | None = None
    run_at_us: int | None = None
    is_dispatched: bool = False


_COLUMNS = (
    "id", "type", "payload", "actor", "parent_id", "priority", "rank", "status", "key", "key_until_us",
    "holds_key", "limits", "retry", "timeout", "run_at_us", "created_us", "dispatched_us",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO task ({', '.join(_COLUMNS)}, attempts, failures, kills, message) "  # noqa: S608
    f"VALUES ({', '.join(':' + name for name in _COLUMNS)}, 0, 0, 0, '') "
    "ON CONFLICT (type, key) WHERE holds_key DO NOTHING RETURNING id"
)
_HOLDER = "SELECT id, key_until_us FROM task WHERE type = :type AND key = :key AND holds_key"
_RELEASE = "UPDATE task SET holds_key = false WHERE id = :id AND holds_key"


def submit(connection: Connection, wanted: Submission) -> TaskId:
    """Store a task; or find the one that holds its key, unless that one's time has passed."""
    now = now_us()
    row = _row(wanted, now)
    while sql.run(connection, _INSERT, row).scalar() is None:
        holder = sql.run(connection, _HOLDER, {"type": wanted.type, "key": wanted.key}).one_or_none()
        if holder is None:  # it has ended between the two statements
            continue
        if holder.key_until_us is None or holder.key_until_us > now:
            return known(holder.id)
        sql.run(connection, _RELEASE, {"id": holder.id})
    task_id = TaskId(row["id"])
    task_id.status = TaskStatus(row["status"])
    return task_id


def _row(wanted: Submission, now: int) -> dict[str, Any]:
    run_at = max(wanted.run_at_us or now, now)  # who names a time that has passed does not jump the queue
    status = TaskStatus.SCHEDULED if run_at > now else TaskStatus.PENDING
    return wanted._asdict() | {
        "id": new_id(),
        "rank": rank(wanted.priority, run_at),
        "status": status.value,
        "holds_key": wanted.key is not None,
        "run_at_us": run_at,
        "created_us": now,
        "dispatched_us": now if wanted.is_dispatched and status is TaskStatus.PENDING else None,
    }


def known(id_: str) -> TaskId:
    """The id of a task that was there already."""
    known = TaskId(id_)
    known.is_new = False
    return known
