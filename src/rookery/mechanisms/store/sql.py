"""Statements in SQL, written once for both databases, executed by the driver itself.

`:name` marks a parameter. What SQLAlchemy does for a statement costs more than SQLite's own work on one row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection

Values = Mapping[str, Any]

_MARK = re.compile(r"(?<!:):([a-z_]+[0-9]*)")


def run(connection: Connection, statement: str, values: Values | Sequence[Values] | None = None) -> Any:
    """Execute a statement with these values, or with each of these; its CursorResult."""
    return connection.exec_driver_sql(_marked(statement, connection.dialect.name), values)


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
