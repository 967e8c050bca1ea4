"""What the database says about the wire: `dispatched_us` of a pending task is when it was put there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rookery.base.clock import now_us
from rookery.mechanisms.store import read_only, sql

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

AT_ONCE = 500

_PENDING = "status = 'pending' AND waits_for IS NULL"
_COLUMNS = "id, type, priority, attempts, rank, run_at_us"
_TAKE = f"""
    UPDATE task SET dispatched_us = :now WHERE dispatched_us IS NULL AND {_PENDING} AND id = :id
    RETURNING {_COLUMNS}"""  # noqa: S608
_FIRST = f"""
    SELECT id FROM (
        SELECT id, dispatched_us FROM task WHERE {_PENDING} ORDER BY rank, id LIMIT :most) AS first
    WHERE dispatched_us IS NULL"""  # noqa: S608
_UNDO = f"UPDATE task SET dispatched_us = NULL WHERE id = :id AND attempts = :attempts AND {_PENDING}"  # noqa: S608
_DISPATCHED = f"""
    SELECT {_COLUMNS} FROM task WHERE {_PENDING} AND dispatched_us < :before AND (rank, id) > (:rank, :id)
    ORDER BY rank, id LIMIT :most"""  # noqa: S608


class Ticket(NamedTuple):
    """A pending task, as far as Redis is concerned with it."""

    id: str
    type: str
    priority: int
    attempts: int = 0
    rank: int = 0
    run_at_us: int = 0

    @property
    def job_id(self) -> str:
        """The job of the next attempt."""
        return f"{self.id}-{self.attempts + 1}"

    @property
    def last_job_id(self) -> str:
        """The job of the attempt before."""
        return f"{self.id}-{self.attempts}"


def take(connection: Connection, task_id: str) -> Ticket | None:
    """This task, if it is to be put on the wire; nobody else is given it."""
    row = sql.run(connection, _TAKE, {"id": task_id, "now": now_us()}).one_or_none()
    return None if row is None else Ticket(*row)


def take_first(engine: Engine) -> list[Ticket]:
    """What is to be put on the wire of those tasks whose turn is next; nobody else is given them.

    Who comes later is looked at later: to find the few among many thousands that are there would take long.
    """
    with read_only(engine).begin() as connection:
        ids = sql.run(connection, _FIRST, {"most": AT_ONCE}).scalars().all()
    if not ids:
        return []
    with engine.begin() as connection:
        taken = (take(connection, id_) for id_ in ids)
        found = [ticket for ticket in taken if ticket is not None]
    return sorted(found, key=lambda ticket: (ticket.rank, ticket.id))


def undo(connection: Connection, ticket: Ticket) -> None:
    """It could not be put on the wire."""
    sql.run(connection, _UNDO, {"id": ticket.id, "attempts": ticket.attempts})


def dispatched(engine: Engine, before_us: int) -> Iterator[list[Ticket]]:
    """All that were put on the wire before a time and are pending still, in order, some at a time."""
    at = {"rank": -(1 << 62), "id": ""}
    while page := _page(engine, before_us, at):
        yield page
        at = {"rank": page[-1].rank, "id": page[-1].id}


def _page(engine: Engine, before_us: int, at: dict[str, object]) -> list[Ticket]:
    values = {"before": before_us, "most": AT_ONCE, **at}
    with read_only(engine).begin() as connection:
        return [Ticket(*row) for row in sql.run(connection, _DISPATCHED, values)]
