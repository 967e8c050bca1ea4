"""Statements by the driver itself: their rows have names, their errors are SQLAlchemy's and show no value."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import sql
from tests.conftest import Call

ONE = """
    INSERT INTO task_worker (id, host, pid, concurrency, types, started_us, seen_us)
    VALUES (:id, 'here', 1, 1, '[]', 0, 0)"""


@dual
def rows(rook: Rook, /, statement: str, values: object = ()) -> sql.Rows:
    """What a statement returns, in a unit of work of its own."""
    return rook.shared(lambda connection: sql.run(connection, statement, values))  # type: ignore[arg-type]


def test_columns_are_attributes_and_rows_are_tuples(call: Call) -> None:
    call(rows, ONE, [{"id": "a"}, {"id": "b"}])
    found = call(
        rows, "SELECT id, pid FROM task_worker WHERE id IN (:one, :two) ORDER BY id", {"one": "a", "two": "b"}
    )
    assert [(row.id, row.pid) for row in found] == found == [("a", 1), ("b", 1)]
    assert found.scalars() == ["a", "b"]
    assert found.first() == ("a", 1)


def test_what_returns_nothing_has_no_rows(call: Call) -> None:
    assert call(rows, "DELETE FROM task_worker") == []
    none = call(rows, "SELECT id FROM task_worker")
    assert (none.first(), none.one_or_none(), none.scalar()) == (None, None, None)


def test_a_violated_constraint_is_sqlalchemys_error_and_rolls_back(call: Call) -> None:
    with pytest.raises(IntegrityError):
        call(rows, ONE, [{"id": "twice"}, {"id": "twice"}])
    assert call(rows, "SELECT id FROM task_worker") == []


def test_an_error_shows_no_value(call: Call) -> None:
    with pytest.raises(DBAPIError) as raised:
        call(rows, "SELECT nothing FROM task_worker WHERE id = :id", {"id": "hunter2"})
    assert "hunter2" not in str(raised.value)
