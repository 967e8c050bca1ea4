"""Statements in SQL, written once for both databases, executed by the driver itself.

`:name` marks a parameter. What SQLAlchemy does for a statement costs more than SQLite's own work on one row.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection

Values = Mapping[str, Any]

_MARK = re.compile(r"(?<!:):([a-z_]+[0-9]*)")


class Rows(list[Any]):
    """The rows of a statement, whose columns are attributes; read as a Result of SQLAlchemy is."""

    def all(self) -> Rows:
        """All of them."""
        return self

    def first(self) -> Any:
        """The first of them; None when there is none."""
        return self[0] if self else None

    one_or_none = first

    def one(self) -> Any:
        """The one there is."""
        (row,) = self
        return row

    def scalars(self) -> Rows:
        """The first column."""
        return Rows(row[0] for row in self)

    def scalar(self) -> Any:
        """The first column of the first row; None when there is none."""
        return self[0][0] if self else None


def run(connection: Connection, statement: str, values: Values | Sequence[Values] = ()) -> Rows:
    """Execute a statement with these values, or with each of these; its rows. Raises what SQLAlchemy does."""
    dialect, cursor = connection.dialect, connection.connection.cursor()
    marked = _marked(statement, dialect.name)
    try:
        if values and not isinstance(values, Mapping):
            cursor.executemany(marked, values)
            return Rows()
        cursor.execute(marked, values)
        return _rows(cursor)
    except dialect.loaded_dbapi.Error as error:
        raise _explained(connection, marked, error) from error
    finally:
        cursor.close()


def _rows(cursor: Any) -> Rows:
    if cursor.description is None:
        return Rows()
    row = _row_of(tuple(column[0] for column in cursor.description))
    return Rows(map(row._make, cursor.fetchall()))


@lru_cache(maxsize=128)
def _row_of(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns, rename=True)


def _explained(connection: Connection, statement: str, error: Any) -> BaseException:
    """The error as SQLAlchemy raises it, without values: they may be secrets."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)
    raised: BaseException = DBAPIError.instance(
        statement, None, error, dialect.loaded_dbapi.Error, hide_parameters=True,
        connection_invalidated=is_lost, dialect=dialect,
    )  # fmt: skip
    return raised


@lru_cache(maxsize=128)
def _marked(statement: str, dialect: str) -> str:
    return statement if dialect == "sqlite" else _MARK.sub(r"%(\1)s", statement)


def is_sqlite(connection: Connection) -> bool:
    """Whether writers come one after the other, whatever they do."""
    return connection.dialect.name == "sqlite"


def locked(connection: Connection) -> str:
    """What makes a SELECT wait for others who have its rows, and keep them from everybody else."""
    return "" if is_sqlite(connection) else "FOR UPDATE"


def skipping_locked(connection: Connection) -> str:
    """What makes a SELECT leave out the rows that others have, and keep the rest from everybody else."""
    return "" if is_sqlite(connection) else "FOR UPDATE SKIP LOCKED"


def one_at_a_time(connection: Connection, what: int) -> None:
    """Wait until nobody else holds this lock, then hold it until the end of the transaction."""
    if not is_sqlite(connection):
        run(connection, "SELECT pg_advisory_xact_lock(:what)", {"what": what})
