"""Stored rows as verification and export read them: raw, by one plain statement each.

Nothing here imports SQLAlchemy: processes that verify a part of a log (parts.py) should start quickly.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Final

from rookery.base.ids import new_id
from rookery.domains.audit.checkpoints import Base, Checkpoint, start_of
from rookery.domains.audit.rules import Head, Row

_AT_ONCE: Final = 200
"""Rows fetched at a time: as many as stay in the processor's cache."""

_LINES: Final = ("id", "at_us", "event_type", "actor", "object", "request_id", "details")
_JOINED: Final = " || '\n' || ".join(_LINES)

# The database joins the columns to the payload: one value instead of seven. The casts leave no type but the
# one that verification expects, whatever somebody has put there. printf() would stop at a NUL; || does not.
_ROWS: Final = {
    "sqlite": f"""
        SELECT position, CAST(COALESCE({_JOINED}, '') AS BLOB),
               CAST(COALESCE(previous, '') AS BLOB), CAST(COALESCE(hash, '') AS BLOB)
        FROM audit_entry WHERE position > {{after}} AND position <= {{upto}} ORDER BY position""",  # noqa: S608
    "postgresql": f"""
        SELECT position, convert_to(concat_ws(E'\\n', {", ".join(_LINES)}), 'UTF8'),
               COALESCE(previous, ''), COALESCE(hash, '')
        FROM audit_entry WHERE position > {{after}} AND position <= {{upto}} ORDER BY position""",  # noqa: S608
}
_CHECKPOINTS: Final = {
    "sqlite": """
        SELECT size, CAST(COALESCE(head, '') AS BLOB), CAST(at_us AS INTEGER),
               CAST(COALESCE(previous, '') AS BLOB), CAST(key_id AS TEXT),
               CAST(COALESCE(signature, '') AS BLOB)
        FROM audit_checkpoint WHERE size > {after} AND size <= {upto} ORDER BY size""",
    "postgresql": """
        SELECT size, COALESCE(head, ''), at_us, COALESCE(previous, ''), key_id, COALESCE(signature, '')
        FROM audit_checkpoint WHERE size > {after} AND size <= {upto} ORDER BY size""",
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


_FOR_EVER: Final = 2**62
"""A position that no log reaches."""


class StoredLog:
    """The log of one database, as one transaction on the driver's connection sees it."""

    before: Checkpoint | None = None
    is_part = False
    _after, _upto = -_FOR_EVER, _FOR_EVER

    def __init__(self, driver: Any, dialect: str, witness: Checkpoint | None) -> None:
        self.witness = witness
        self.driver, self.dialect = driver, dialect
        row = self._first(_BASE[dialect])
        self.base = Base(*row) if row else None
        self.start = start_of(self.base)

    def rows(self) -> Iterator[Row]:
        """The entries, by position."""
        return self._streamed(self._of(_ROWS))

    def checkpoints(self) -> Iterator[Checkpoint]:
        """The checkpoints, by size."""
        return (Checkpoint(*row) for row in self._streamed(self._of(_CHECKPOINTS)))

    def size(self) -> int:
        """How many entries there have ever been, going by the last one."""
        row = self._first("SELECT max(position) FROM audit_entry")
        return int(row[0] or 0)

    def checkpoint_from(self, size: int) -> int | None:
        """The size of the first checkpoint of at least so many entries."""
        row = self._first(f"SELECT min(size) FROM audit_checkpoint WHERE size >= {size:d}")  # noqa: S608
        return None if row[0] is None else int(row[0])

    def _of(self, statements: dict[str, str]) -> str:
        return statements[self.dialect].format(after=self._after, upto=self._upto)

    def _first(self, statement: str) -> Any:
        with closing(self._streamed(statement)) as rows:
            return next(rows, None)

    def _streamed(self, statement: str) -> Generator[Any, None, None]:
        """The driver's own tuples, fetched in portions; what is not fetched yet stays with the database."""
        with closing(self._cursor()) as cursor:
            cursor.execute(statement, **self._options())
            yield from chain.from_iterable(iter(lambda: cursor.fetchmany(_AT_ONCE), []))

    def _cursor(self) -> Any:
        return self.driver.cursor() if self.dialect == "sqlite" else self.driver.cursor(f"audit_{new_id()}")

    def _options(self) -> dict[str, bool]:
        return {} if self.dialect == "sqlite" else {"binary": True}


class PartOfLog(StoredLog):
    """The entries after one checkpoint, up to another or to the end. The prune record is not this part's."""

    is_part = True

    def __init__(
        self, driver: Any, dialect: str, witness: Checkpoint | None, after: int, upto: int | None
    ) -> None:
        super().__init__(driver, dialect, witness)
        if after != self.start.size:
            self._after = after - 1
            self.before = next(self.checkpoints())
            self.start = Head(after, next(self.rows())[3])
            self.base = None
        self._after, self._upto = after, _FOR_EVER if upto is None else upto
