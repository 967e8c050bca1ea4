"""@dual and @dual_stream: one source, both worlds, both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from rookery.mechanisms.dual import dual, dual_read, dual_stream
from rookery.mechanisms.rook import Rook
from tests.conftest import Call

INSERT = text("INSERT INTO writebehind_cursor (stream, seq) VALUES (:stream, :seq)")
SELECT = text("SELECT stream, seq FROM writebehind_cursor ORDER BY stream")


@dual
def put(session: Session, /, stream: str, seq: int) -> str:
    """Store a cursor."""
    session.execute(INSERT, {"stream": stream, "seq": seq})
    return stream


@dual_read
def rows(session: Session, /) -> list[tuple[str, int]]:
    return [(row.stream, row.seq) for row in session.execute(SELECT)]


@dual
def put_two(rook: Rook, /, first: str, second: str) -> int:
    for stream in (first, second):
        with rook.transaction() as session:
            put(session, stream, 1)
    return 2


@dual
def put_then_fail(session: Session, /) -> None:
    put(session, "lost", 1)
    raise LookupError("after the insert")


@dual_stream
def stream_numbers(session: Session, /, up_to: int) -> Iterator[int]:
    statement = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :up_to) SELECT i FROM n"
    )
    yield from session.scalars(statement.execution_options(yield_per=10), {"up_to": up_to})


@dual_stream
def stream_then_fail(session: Session, /, count: int) -> Iterator[int]:
    yield from range(count)
    raise LookupError("after the rows")


def test_a_session_operation_called_with_a_rook_commits_its_own_unit_of_work(call: Call) -> None:
    assert call(put, "a", seq=7) == "a"
    assert rows(call.rook) == [("a", 7)]


def test_a_failing_operation_leaves_nothing_behind(call: Call) -> None:
    with pytest.raises(LookupError):
        call(put_then_fail)
    assert call(rows) == []


def test_operations_call_operations_plainly(call: Call) -> None:
    assert call(put_two, "a", "b") == 2
    assert call(rows) == [("a", 1), ("b", 1)]


def test_operations_share_a_callers_transaction(call: Call) -> None:
    @dual
    def both(session: Session, /) -> list[tuple[str, int]]:
        put(session, "a", 1)
        return rows(session)

    assert call(both) == [("a", 1)]
