"""Appending to the chain: in one transaction, under one lock, with the rows as plain tuples."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection

from rookery.base.clock import now_us
from rookery.domains.audit.checkpoints import Checkpoint, sign_checkpoint
from rookery.domains.audit.keys import Signer
from rookery.domains.audit.rules import Head, link

_LOCK: Final = 0x6175646974  # "audit": the advisory lock that whoever appends holds until the commit
_COPY_FROM: Final = 300
"""Rows from which COPY is faster on PostgreSQL than the driver's executemany."""

_GROUP: Final = 50
"""Rows per statement on SQLite."""

ENTRY_COLUMNS: Final = (
    "position", "id", "at_us", "event_type", "actor", "object", "request_id", "details", "previous", "hash",
)  # fmt: skip
CHECKPOINT_COLUMNS: Final = Checkpoint._fields


class Appender:
    """Appends payloads to the chain of one database and signs what it appended."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def append(
        self, connection: Connection, payloads: list[bytes], witnessed: Checkpoint | None
    ) -> Checkpoint:
        """Chain, store and sign these payloads in the connection's transaction; the checkpoint after them.

        The chain's lock is held from here to the commit: on SQLite the transaction's own write lock, on
        PostgreSQL an advisory lock. Somebody else's transaction waits, so commit soon.
        """
        lock(connection)
        head, before = _furthest(connection, witnessed)
        rows, head = link(payloads, head)
        _insert(connection, "audit_entry", ENTRY_COLUMNS, rows)
        checkpoint = sign_checkpoint(self._signer, head, now_us(), before)
        _insert(connection, "audit_checkpoint", CHECKPOINT_COLUMNS, [checkpoint])
        return checkpoint


def _furthest(connection: Connection, witnessed: Checkpoint | None) -> tuple[Head, Checkpoint | None]:
    """Where the chain goes on, and after which checkpoint: the furthest that anything knows of.

    All agree, unless somebody cut off the end. Going on from what was signed keeps the gap to be seen.
    """
    before = last_checkpoint(connection)
    if witnessed and witnessed.size > (before.size if before else 0):
        before = witnessed
    signed = Head(before.size, before.head) if before else Head()
    stored = _stored_head(connection)
    return (signed if signed.size >= stored.size else stored), before


def last_checkpoint(connection: Connection) -> Checkpoint | None:
    """The checkpoint of most entries."""
    columns = ", ".join(CHECKPOINT_COLUMNS)
    row = connection.exec_driver_sql(
        f"SELECT {columns} FROM audit_checkpoint ORDER BY size DESC LIMIT 1"  # noqa: S608  constant names
    ).one_or_none()
    return Checkpoint(*row) if row else None


def _stored_head(connection: Connection) -> Head:
    row = connection.exec_driver_sql(
        "SELECT position, hash FROM audit_entry ORDER BY position DESC LIMIT 1"
    ).one_or_none()
    return Head(*row) if row else Head()


def lock(connection: Connection) -> None:
    """Hold the chain until the end of the transaction; whoever holds it already may call this again."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _insert(connection: Connection, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    dialect = connection.dialect
    if dialect.name == "sqlite":
        _insert_in_groups(connection, table, columns, rows)
    elif not dialect.is_async and len(rows) >= _COPY_FROM:
        _copy(connection, table, columns, rows)
    else:
        connection.exec_driver_sql(_statement(table, columns, "%s", 1), rows)


def _insert_in_groups(connection: Connection, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    """Many rows per statement: sqlite3 lets go of the interpreter for each statement, and must win it back.

    Beside busy producers that costs more than storing; alone, too, it is a tenth quicker than row by row.
    """
    grouped = len(rows) - len(rows) % _GROUP
    if grouped:
        groups = [tuple(chain.from_iterable(rows[at : at + _GROUP])) for at in range(0, grouped, _GROUP)]
        connection.exec_driver_sql(_statement(table, columns, "?", _GROUP), groups)
    if rest := rows[grouped:]:
        connection.exec_driver_sql(_statement(table, columns, "?", 1), rest)


@cache
def _statement(table: str, columns: tuple[str, ...], mark: str, rows: int) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608


def _copy(connection: Connection, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
