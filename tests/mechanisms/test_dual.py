"""@dual and @dual_stream: one source, both worlds, both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from rookery.mechanisms.dual import STREAM_BATCH, dual, dual_read, dual_stream
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import open_async_engine
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
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :up_to)"
        " SELECT i FROM n WHERE i <= :up_to"
    )
    with session.scalars(statement.execution_options(yield_per=10), {"up_to": up_to}) as numbers:
        yield from numbers


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


def test_a_read_waits_for_no_writer(call: Call) -> None:
    with call.rook.transaction() as session:
        put(session, "uncommitted", 1)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(call, rows).result() == []


def test_an_async_session_is_enough_for_a_session_operation(sqlite_url: str) -> None:
    async def put_and_read() -> list[tuple[str, int]]:
        engine = open_async_engine(sqlite_url)
        async with AsyncSession(engine) as session:
            await put(session, "a", 1)
            await session.commit()
            found = await rows(session)
        await engine.dispose()
        return found

    with asyncio.Runner() as runner:
        assert runner.run(put_and_read()) == [("a", 1)]


def test_an_operation_keeps_its_name_and_its_documentation() -> None:
    assert (put.__name__, put.__doc__) == ("put", "Store a cursor.")  # type: ignore[attr-defined]


def test_an_operation_on_anything_else_is_refused_when_it_is_defined() -> None:
    def on_a_connection(connection: object, /) -> None: ...
    def not_positional(session: Session) -> None: ...

    for operation in (on_a_connection, not_positional):
        with pytest.raises(TypeError, match="must start with `session: Session, /` or `rook: Rook, /`"):
            dual(operation)


@pytest.mark.parametrize("count", [0, 1, STREAM_BATCH - 1, STREAM_BATCH, 2 * STREAM_BATCH + 1])
def test_a_stream_yields_every_row_in_order(call: Call, count: int) -> None:
    assert call(stream_numbers, up_to=count) == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, STREAM_BATCH, STREAM_BATCH + 1])
def test_the_rows_before_an_error_in_a_stream_are_seen(call: Call, count: int) -> None:
    seen: list[int] = []
    with pytest.raises(LookupError, match="after the rows"):
        call(collect_into, seen, count)
    assert seen == list(range(count))


def collect_into(rook: Any, seen: list[int], count: int) -> Any:
    """Not an operation: a caller, plain or async, that notes each row as it comes."""
    stream = stream_then_fail(rook, count)
    if isinstance(stream, Iterator):
        return seen.extend(stream)

    async def consume() -> None:
        async for row in stream:
            seen.append(row)  # noqa: PERF401  the rows before the error count

    return consume()


def test_a_stream_left_early_lets_its_connection_go(call: Call) -> None:
    call(take_first, 10_000)
    assert call.rook.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def take_first(rook: Any, up_to: int) -> Any:
    stream = stream_numbers(rook, up_to)
    if isinstance(stream, Generator):
        with closing(stream):
            return next(stream)

    async def first() -> int:
        async with aclosing(stream):
            return await anext(stream)

    return first()


def test_units_of_work_go_on_beside_a_stream(call: Call) -> None:
    call(put_each, up_to=STREAM_BATCH + 5)
    assert len(call(rows)) == STREAM_BATCH + 5


@dual
def put_each(rook: Rook, /, up_to: int) -> None:
    for number in stream_numbers(rook, up_to):
        put(rook, f"stream {number}", number)


def test_a_stream_of_a_rook_operation_works_in_both_worlds(call: Call) -> None:
    @dual_stream
    def put_and_tell(rook: Rook, /, streams: list[str]) -> Iterator[str]:
        for stream in streams:
            yield put(rook, stream, 1)

    assert call(put_and_tell, ["a", "b"]) == ["a", "b"]
    assert call(rows) == [("a", 1), ("b", 1)]
