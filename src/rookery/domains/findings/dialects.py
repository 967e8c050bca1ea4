"""INSERT … ON CONFLICT, which each database's dialect has as its own construct; and many rows at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    TableValuedAlias,
    Text,
    any_,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

GROUPS = (500, 20, 1)
"""Rows per statement on SQLite, which takes 32,766 values in one statement."""

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_into(on: Connection | Session, table: Any) -> Any:
    """An insert into `table` that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    dialect = on.dialect if isinstance(on, Connection) else on.get_bind().dialect
    return INSERT[dialect.name](table)


def among(connection: Connection, column: Any, values: Collection[str]) -> ColumnElement[bool]:
    """Whether a column is one of these texts: one parameter, however many they are, and one statement."""
    if connection.dialect.name == "sqlite":
        elements = func.json_each(msgspec.json.encode(list(values)).decode()).table_valued("value")
        chosen: ColumnElement[bool] = column.in_(select(elements.c.value))
        return chosen
    wanted: ColumnElement[bool] = column == any_(literal(list(values), ARRAY(Text)))
    return wanted


def words_of(session: Session, column: Any) -> TableValuedAlias:
    """The words of a column of lists, as the column `value` of rows that join the list's own."""
    if session.get_bind().dialect.name == "sqlite":
        return func.json_each(column).table_valued("value")
    return func.jsonb_array_elements_text(cast(column, postgresql.JSONB)).table_valued("value")


def write_many(
    connection: Connection, statement: Callable[[str], Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Execute an `INSERT … VALUES … ON CONFLICT …` for each row, by the driver itself.

    What SQLAlchemy does for each parameter of each row costs more than the database's own work. `statement`
    makes it for a dialect's name, and is called once; its only parameters are the keys of every row, in the
    order of the table's columns, whose values are such that drivers take them as they are.
    """
    sql, names = _compiled(statement, connection.dialect)
    if names is None:
        connection.exec_driver_sql(sql, list(map(_without_nul, rows)))
    elif list(rows[0]) == list(names):
        _write_in_groups(connection, sql, rows)
    else:
        raise ValueError(f"rows of {list(rows[0])}, where {list(names)} were expected")


def _write_in_groups(connection: Connection, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Many rows per statement: sqlite3 lets go of the interpreter for each statement, and must win it back.

    Beside a busy thread that takes 5 ms each time, be it for one row or for hundreds.
    """
    start = 0
    for size in GROUPS:
        end = len(rows) - (len(rows) - start) % size
        if start < end:
            groups = [rows[at : at + size] for at in range(start, end, size)]
            connection.exec_driver_sql(_for_many(sql, size), list(map(_values, groups)))
            start = end


def _values(rows: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(row.values() for row in rows))


def _without_nul(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as PostgreSQL takes it: its texts have no NUL, where servers under test have no scruples."""
    return {
        name: value.replace("\0", "\ufffd") if value.__class__ is str and "\0" in value else value
        for name, value in row.items()
    }


@lru_cache(maxsize=64)
def _for_many(sql: str, rows: int) -> str:
    before, values, row, conflict, after = re.split(r"( VALUES )(\(.*\))( ON CONFLICT )", sql, maxsplit=1)
    return "".join([before, values, ", ".join([row] * rows), conflict, after])


@lru_cache(maxsize=64)
def _compiled(statement: Callable[[str], Any], dialect: Dialect) -> tuple[str, Sequence[str] | None]:
    """The SQL, and the names of its parameters in their order where they have no names in it."""
    compiled = statement(dialect.name).compile(dialect=dialect)
    return str(compiled), compiled.positiontup
