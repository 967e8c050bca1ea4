"""Appending to the chain: in one transaction, under one lock, with the rows as plain tuples."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
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

_GROUPS: Final = (2_000, 250, 25, 1) if sqlite3.sqlite_version_info >= (3, 32) else (50, 1)
"""Rows per statement on SQLite, which until 3.32 took 999 values in one statement."""

ENTRY_COLUMNS: Final = (
    "position", "id", "at_us", "event_type", "actor", "object", "request_id", "details", "previous", "hash",
)  # fmt: skip
CHECKPOINT_COLUMNS: Final = Checkpoint._fields


class Appender:
    """Appends payloads to the chain of one database and signs what it appended.

    A signature vouches for all checkpoints before it, so none is made upon one that this key is said to have
    signed and has not: whoever forges the log waits in vain for it to be written on. What others signed is
    held against their keys by verification.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._signed: Checkpoint | None = None

    def append(
        self,
        connection: Connection,
        payloads: list[bytes],
        witnessed: Checkpoint | None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Checkpoint:
        """Chain, store and sign these payloads in the connection's transaction; the checkpoint after them.

        The chain's lock is held from here to the commit: on SQLite the transaction's own write lock, on
        PostgreSQL an advisory lock. Somebody else's transaction waits, so commit soon. `meanwhile` is called
        before the last statement, the long one, during which the interpreter is free for others.
        """
        lock(connection)
        head, before = self._furthest(connection, witnessed)
        rows, head = link(payloads, head)
        checkpoint = sign_checkpoint(self._signer, head, now_us(), before)
        _insert(connection, "audit_checkpoint", CHECKPOINT_COLUMNS, [checkpoint])
        if meanwhile is not None:
            meanwhile()
        _insert(connection, "audit_entry", ENTRY_COLUMNS, rows)
        self._signed = checkpoint
        return checkpoint

    def _furthest(
        self, connection: Connection, witnessed: Checkpoint | None
    ) -> tuple[Head, Checkpoint | None]:
        """Where the chain goes on, and after which checkpoint: the furthest that was signed.

        All that is stored agrees with it, unless somebody has cut off the end, or forged one. Going on from
        what was signed keeps a gap to be seen, and a forged entry one that nothing follows.
        """
        before = last_checkpoint(connection)
        if before is not None and self._is_forged(before):
            before = None
        if witnessed and witnessed.size > (before.size if before else 0):
            before = witnessed
        signed = Head(before.size, before.head) if before else Head()
        return Head(max(signed.size, _stored_size(connection)), signed.hash), before

    def _is_forged(self, checkpoint: Checkpoint) -> bool:
        """Whether it names this key and was not signed by it. What was signed here just now costs nothing."""
        if checkpoint == self._signed or checkpoint.key_id != self._signer.key_id:
            return False
        return not self._signer.has_signed(checkpoint)


def last_checkpoint(connection: Connection) -> Checkpoint | None:
    """The checkpoint of most entries."""
    columns = ", ".join(CHECKPOINT_COLUMNS)
    row = connection.exec_driver_sql(
        f"SELECT {columns} FROM audit_checkpoint ORDER BY size DESC LIMIT 1"  # noqa: S608  constant names
    ).one_or_none()
    return Checkpoint(*row) if row else None


def _stored_size(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT max(position) FROM audit_entry").scalar() or 0)


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

    Beside a busy producer it gets it back after 5 ms: one statement of 2,000 rows runs beside 1,000 records
    of its, where 40 of 50 rows would each wait for it. Alone, too, it is a third quicker than row by row.
    """
    start = 0
    for size in _GROUPS:
        end = len(rows) - (len(rows) - start) % size
        if start < end:
            groups = [tuple(chain.from_iterable(rows[at : at + size])) for at in range(start, end, size)]
            connection.exec_driver_sql(_statement(table, columns, "?", size), groups)
            start = end


@cache
def _statement(table: str, columns: tuple[str, ...], mark: str, rows: int) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608


def _copy(connection: Connection, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
