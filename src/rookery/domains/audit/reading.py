"""The stored log as verification and export read it: raw, in one snapshot, by one plain statement each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Engine

from rookery.base.ids import new_id
from rookery.domains.audit.checkpoints import Base, Checkpoint
from rookery.domains.audit.rules import Row
from rookery.domains.audit.witness import Witness
from rookery.mechanisms.store import explained, read_only

_AT_ONCE: Final = 2_000
"""Rows fetched at a time."""

# The database joins the columns to the payload: one value instead of seven. The casts leave no type but the
# one that verification expects, whatever somebody has put there. printf() would stop at a NUL; || does not.
_ROWS: Final = {
    "sqlite": """
        SELECT position, CAST(COALESCE(id || char(10) || at_us || char(10) || event_type || char(10) || actor
               || char(10) || object || char(10) || request_id || char(10) || details, '') AS BLOB),
               CAST(COALESCE(previous, '') AS BLOB), CAST(COALESCE(hash, '') AS BLOB)
        FROM audit_entry ORDER BY position""",
    "postgresql": """
        SELECT position, convert_to(concat_ws(E'\\n', id, at_us, event_type, actor, object, request_id,
                      details), 'UTF8'), COALESCE(previous, ''), COALESCE(hash, '')
        FROM audit_entry ORDER BY position""",
}
_CHECKPOINTS: Final = {
    "sqlite": """
        SELECT size, CAST(COALESCE(head, '') AS BLOB), CAST(at_us AS INTEGER),
               CAST(COALESCE(previous, '') AS BLOB), CAST(key_id AS TEXT),
               CAST(COALESCE(signature, '') AS BLOB)
        FROM audit_checkpoint ORDER BY size""",
    "postgresql": """
        SELECT size, COALESCE(head, ''), at_us, COALESCE(previous, ''), key_id, COALESCE(signature, '')
        FROM audit_checkpoint ORDER BY size""",
}
_BASE: Final = {
    "sqlite": """
        SELECT size, CAST(COALESCE(head, '') AS BLOB), CAST(at_us AS INTEGER), CAST(before_us AS INTEGER),
               CAST(key_id AS TEXT), CAST(COALESCE(signature, '') AS BLOB)
        FROM audit_base ORDER BY size DESC LIMIT 1""",
    "postgresql": """
        SELECT size, COALESCE(head, ''), at_us, before_us, key_id, COALESCE(signature, '')
        FROM audit_base ORDER BY size DESC LIMIT 1""",
}


class StoredLog:
    """The log of one database, as one transaction sees it."""

    def __init__(self, connection: Connection, witness: Checkpoint | None) -> None:
        self.witness = witness
        self._driver: Any = connection.connection.driver_connection
        self._dialect = connection.dialect.name
        with closing(self._streamed(_BASE)) as rows:
            row = next(rows, None)
        self.base = Base(*row) if row else None

    def rows(self) -> Iterator[Row]:
        """The entries, by position."""
        return self._streamed(_ROWS)

    def checkpoints(self) -> Iterator[Checkpoint]:
        """The checkpoints, by size."""
        return (Checkpoint(*row) for row in self._streamed(_CHECKPOINTS))

    def _streamed(self, statements: dict[str, str]) -> Generator[Any, None, None]:
        """The driver's own tuples, fetched in portions; what is not fetched yet stays with the database."""
        with closing(self._cursor()) as cursor:
            cursor.execute(statements[self._dialect], **self._options())
            yield from chain.from_iterable(iter(lambda: cursor.fetchmany(_AT_ONCE), []))

    def _cursor(self) -> Any:
        return (
            self._driver.cursor() if self._dialect == "sqlite" else self._driver.cursor(f"audit_{new_id()}")
        )

    def _options(self) -> dict[str, bool]:
        return {} if self._dialect == "sqlite" else {"binary": True}


@contextmanager
def stored_log(engine: Engine, witness: Witness) -> Iterator[StoredLog]:
    """The log of this database, in one snapshot for the whole context. Raises a DatabaseUnavailable."""
    # The witness first: it follows each commit, so it never knows more than a later snapshot.
    known = witness.read()
    snapshot = read_only(engine)
    with explained(engine), snapshot.connect() as connection, connection.begin():
        yield StoredLog(connection, known)
