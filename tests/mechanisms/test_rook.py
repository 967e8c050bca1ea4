"""Rook and AsyncRook: units of work, events, ports, fan-out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pytest
from blockbuster import BlockingError
from sqlalchemy import Connection, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rookery.base.errors import Closed
from rookery.mechanisms.async_rook import AsyncRook
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import DatabaseUnavailable, TransactionOpen, WriteInReading
from tests.conftest import Call

async_worlds = pytest.mark.parametrize(
    "call",
    ["async-sqlite", pytest.param("async-postgresql", marks=pytest.mark.postgres)],
    indirect=True,
)
INSERT = text("INSERT INTO writebehind_cursor (stream, seq) VALUES (:stream, 1)")


class Models(DeclarativeBase):
    """Apart from the house's own."""


class Cursor(Models):
    __tablename__ = "writebehind_cursor"

    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]


@dataclass(frozen=True)
class Stored:
    """A stream's cursor has been stored."""

    stream: str


@dual
def store(session: Session, /, stream: str) -> None:
    session.execute(INSERT, {"stream": stream})


@dual_read
def streams(session: Session, /) -> list[str]:
    return list(session.scalars(text("SELECT stream FROM writebehind_cursor ORDER BY stream")))


def listen(call: Call, *listeners: Callable[[Rook, Any], None]) -> None:
    """Have the listeners hear Stored in the world of the call."""
    rook: Any = call.async_rook._inner if call.is_async else call.rook
    rook.listeners = {Stored: listeners}


# Units of work


def test_one_unit_of_work_at_a_time(call: Call) -> None:
    @dual
    def nest(rook: Rook, /) -> None:
        with rook.transaction(), rook.reading():
            raise AssertionError("unreachable")

    with pytest.raises(TransactionOpen, match="end it first"):
        call(nest)
    call(store, "afterwards")


@pytest.mark.parametrize("port", ["wait_for", "offload", "each"])
def test_no_port_while_a_transaction_is_open(call: Call, port: str) -> None:
    async def answer() -> int:
        return 42

    uses: dict[str, Callable[[Rook], Any]] = {
        "wait_for": lambda rook: rook.wait_for(answer),
        "offload": lambda rook: rook.offload(int),
        "each": lambda rook: rook.each(int, [1], limit=1),
    }

    @dual
    def use_port(rook: Rook, /, is_inside: bool) -> Any:
        if is_inside:
            with rook.transaction():
                return uses[port](rook)
        return uses[port](rook)

    with pytest.raises(TransactionOpen):
        call(use_port, is_inside=True)
    assert call(use_port, is_inside=False) in (42, 0, [1])


def test_a_reading_unit_refuses_every_way_to_write(call: Call) -> None:

    @dual
    def write_in_reading(rook: Rook, /, by_flush: bool) -> None:
        with rook.reading() as session:
            if by_flush:
                session.add(Cursor(stream="a", seq=1))
                session.flush()
            else:
                session.execute(insert(Cursor).values(stream="a", seq=1))

    for by_flush in (True, False):
        with pytest.raises(WriteInReading):
            call(write_in_reading, by_flush)


@pytest.mark.parametrize(
    "call",
    ["sync-sqlite", pytest.param("sync-postgresql", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_a_reading_unit_sees_one_snapshot(call: Call) -> None:
    with ThreadPoolExecutor(1) as pool, call.rook.reading() as session:
        before = streams(session)
        pool.submit(store, call.rook, "meanwhile").result()
        assert streams(session) == before == []
    assert streams(call.rook) == ["meanwhile"]


@pytest.mark.parametrize("call", [pytest.param("sync-postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_postgresql_itself_refuses_to_write_in_a_reading_unit(call: Call) -> None:
    with pytest.raises(DatabaseUnavailable, match="read-only transaction"), call.rook.reading() as session:
        store(session, "never")


@async_worlds
def test_coroutines_may_combine_operations_in_one_transaction(call: Call) -> None:
    async def store_two(rook: AsyncRook) -> list[str]:
        async with rook.transaction() as session:
            await store(session, "a")
            await store(session, "b")
        async with rook.reading() as session:
            return await streams(session)

    assert call(store_two) == ["a", "b"]


@async_worlds
def test_tasks_have_a_transaction_each(call: Call) -> None:
    async def store_beside(rook: AsyncRook) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(store(rook, f"{number:02}"))

    call(store_beside)
    assert len(streams(call.rook)) == 20


@async_worlds
def test_a_cancelled_operation_writes_nothing_and_leaves_the_rook_usable(call: Call) -> None:
    async def cancel_while_acting(rook: AsyncRook) -> bool:
        acting = asyncio.Event()

        async def act() -> None:
            acting.set()
            await asyncio.sleep(60)

        @dual
        def act_then_record(rook: Rook, /) -> None:
            rook.wait_for(act)
            store(rook, "never")

        task = asyncio.create_task(act_then_record(rook))
        await acting.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert call(cancel_while_acting)
    call(store, "afterwards")
    assert call(streams) == ["afterwards"]


# Events


def test_events_are_announced_after_the_commit(call: Call) -> None:
    seen: list[list[str]] = []
    listen(call, lambda rook, _event: seen.append(streams(rook)))

    @dual
    def store_and_emit(rook: Rook, /) -> None:
        with rook.transaction() as session:
            rook.emit(Stored("a"))
            store(session, "a")

    call(store_and_emit)
    assert seen == [["a"]]


def test_events_of_a_rolled_back_transaction_are_never_announced(call: Call) -> None:
    seen: list[Any] = []
    listen(call, lambda _rook, event: seen.append(event))

    @dual
    def emit_and_fail(rook: Rook, /) -> None:
        with rook.transaction():
            rook.emit(Stored("a"))
            raise LookupError

    with pytest.raises(LookupError):
        call(emit_and_fail)
    assert seen == []


def test_every_listener_hears_an_event_in_order_even_if_one_fails(call: Call) -> None:
    heard: list[str] = []

    def fail(_rook: Rook, _event: Stored) -> None:
        heard.append("first")
        raise LookupError("deaf")

    listen(call, fail, lambda _rook, event: heard.append(event.stream))
    with pytest.RaisesGroup(pytest.RaisesExc(LookupError, match="deaf")):
        call(dual(emit), Stored("second"))
    assert heard == ["first", "second"]


def test_a_listener_that_fails_costs_no_later_event_of_the_transaction(call: Call) -> None:
    heard: list[str] = []

    def fail(_rook: Rook, event: Stored) -> None:
        heard.append(event.stream)
        raise LookupError(event.stream)

    @dual
    def emit_two(rook: Rook, /) -> None:
        with rook.transaction():
            rook.emit(Stored("a"))
            rook.emit(Stored("b"))

    listen(call, fail)
    with pytest.RaisesGroup(
        pytest.RaisesExc(LookupError, match="a"), pytest.RaisesExc(LookupError, match="b")
    ):
        call(emit_two)
    assert heard == ["a", "b"]


def test_events_of_a_reading_unit_are_announced_too(call: Call) -> None:
    """To have looked at a secret is an event, though nothing was written."""
    seen: list[str] = []
    listen(call, lambda _rook, event: seen.append(event.stream))

    @dual
    def look(rook: Rook, /) -> None:
        with rook.reading():
            rook.emit(Stored("secret"))
            assert seen == []

    call(look)
    assert seen == ["secret"]


def emit(rook: Rook, /, event: Stored) -> None:
    rook.emit(event)


def follow(call: Call) -> None:
    """Have what follows from Stored written: another stream, of twice its name."""
    rook: Any = call.async_rook._inner if call.is_async else call.rook

    def write(_rook: Rook, session: Session, event: Stored) -> None:
        store(session, 2 * event.stream)

    rook.followers = {Stored: [write]}


def test_what_follows_from_an_event_is_written_in_its_transaction_or_neither_is(call: Call) -> None:
    @dual
    def fail(rook: Rook, /, *, late: bool) -> None:
        with rook.transaction() as session:
            store(session, "a")
            rook.emit(Stored("a"))
            if late:
                raise KeyError

    follow(call)
    with pytest.raises(KeyError):
        call(fail, late=True)
    assert call(streams) == []
    call(fail, late=False)
    assert call(streams) == ["a", "aa"]


def test_what_follows_from_an_event_in_a_shared_transaction_is_written_with_them_or_neither_is(
    call: Call,
) -> None:
    @dual
    def fail(rook: Rook, /, *, late: bool) -> None:
        def act(_connection: Connection) -> None:
            rook.emit(Stored("a"))
            if late:
                raise KeyError

        rook.shared(act)

    follow(call)
    with pytest.raises(KeyError):
        call(fail, late=True)
    assert call(streams) == []
    call(fail, late=False)
    assert call(streams) == ["aa"]


def test_an_event_without_a_transaction_gets_one_for_what_follows(call: Call) -> None:
    @dual
    def emit(rook: Rook, /) -> None:
        rook.emit(Stored("a"))
        with rook.reading():
            rook.emit(Stored("b"))

    heard: list[str] = []
    follow(call)
    listen(call, lambda _rook, event: heard.append(event.stream))
    call(emit)
    assert call(streams) == ["aa", "bb"]
    assert heard == ["a", "b"]


def test_what_nobody_listens_to_is_no_error(call: Call) -> None:
    call(dual(emit), Stored("a"))


# Ports


current: ContextVar[str] = ContextVar("current", default="nobody")


def test_a_port_runs_async_code_and_returns_its_result_in_the_callers_context(call: Call) -> None:
    async def who(greeting: str) -> str:
        await asyncio.sleep(0)
        return f"{greeting} {current.get()}"

    @dual
    def ask(rook: Rook, /) -> str:
        current.set("somebody")
        return rook.wait_for(who, "hello")

    assert call(ask) == "hello somebody"


def test_an_error_of_async_code_reaches_the_operation(call: Call) -> None:
    async def fail() -> None:
        raise ConnectionResetError("gone")

    @dual
    def ask(rook: Rook, /) -> str:
        try:
            rook.wait_for(fail)
        except ConnectionResetError as error:
            return str(error)
        return "no error"

    assert call(ask) == "gone"


def test_blocking_code_is_offloaded_from_a_loop_and_stays_in_a_plain_thread(call: Call) -> None:
    @dual
    def which_thread(rook: Rook, /) -> bool:
        return rook.offload(threading.current_thread) is threading.current_thread()

    assert call(which_thread) is not call.is_async


@async_worlds
def test_blockbuster_watches_the_async_half(call: Call) -> None:
    @dual
    def block(rook: Rook, /) -> None:
        time.sleep(0.001)

    with pytest.raises(BlockingError):
        call(block)


# Fan-out


def test_each_returns_results_in_the_order_of_the_items_within_its_limit(call: Call) -> None:
    running, most = set[int](), [0]

    async def work(number: int) -> int:
        running.add(number)
        most[0] = max(most[0], len(running))
        await asyncio.sleep(0.002 * (number % 3))
        running.remove(number)
        return number * number

    @dual
    def square(rook: Rook, /, numbers: list[int]) -> list[int]:
        return rook.each(lambda number: rook.wait_for(work, number), numbers, limit=4)

    assert call(square, list(range(20))) == [number * number for number in range(20)]
    assert 2 <= most[0] <= 4


def test_each_raises_all_failures_in_a_group_and_starts_nothing_more(call: Call) -> None:
    started: list[int] = []

    def fail_at_three(number: int) -> None:
        started.append(number)
        if number == 3:
            raise LookupError("three")

    @dual
    def fan_out(rook: Rook, /) -> None:
        rook.each(fail_at_three, range(100), limit=1)

    with pytest.RaisesGroup(pytest.RaisesExc(LookupError, match="three")):
        call(fan_out)
    assert started == [0, 1, 2, 3]


def test_each_takes_items_that_are_themselves_waited_for(call: Call) -> None:
    @dual
    def fan_out(rook: Rook, /) -> list[int]:
        def items() -> Iterator[int]:
            for number in range(6):
                rook.wait_for(asyncio.sleep, 0.001)
                yield number

        return rook.each(lambda number: rook.wait_for(asyncio.sleep, 0.002, number), items(), limit=3)

    assert call(fan_out) == list(range(6))


def test_items_that_cannot_be_fetched_are_a_failure_of_each(call: Call) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("torn")

    @dual
    def fan_out(rook: Rook, /) -> list[int]:
        return rook.each(int, items(), limit=2)

    with pytest.RaisesGroup(pytest.RaisesExc(LookupError, match="torn")):
        call(fan_out)


def test_each_may_open_transactions(call: Call) -> None:
    @dual
    def store_all(rook: Rook, /, names: list[str]) -> None:
        rook.each(lambda name: store(rook, name), names, limit=5)

    names = [f"{number:02}" for number in range(25)]
    call(store_all, names)
    assert call(streams) == names


# Closing


def test_what_is_registered_to_be_closed_is_closed_once_last_first(call: Call) -> None:
    closed: list[str] = []
    target = call.async_rook if call.is_async else call.rook
    target.on_close(lambda: closed.append("first registered"))
    target.on_close(lambda: closed.append("last registered"))
    for _ in range(2):
        call(AsyncRook.aclose) if call.is_async else call(Rook.close)
    assert closed == ["last registered", "first registered"]


def test_a_closed_rook_runs_no_async_code(sqlite_rook: Rook) -> None:
    async def never() -> None:
        raise AssertionError("unreachable")

    sqlite_rook.close()
    with pytest.raises(Closed, match="open another"):
        sqlite_rook.wait_for(never)


# Who listens


def test_whoever_listens_hears_what_happens_after_its_commit_plain_or_awaited(call: Call) -> None:
    heard: list[str] = []

    def plainly(event: Stored) -> None:
        heard.append(f"plainly {event.stream}")

    async def awaited(event: Stored) -> None:
        await asyncio.sleep(0)
        heard.append(f"awaited {event.stream}")

    @dual
    def happen(rook: Rook, /) -> list[str]:
        with rook.transaction() as session:
            store(session, "a")
            rook.emit(Stored("a"))
            return list(heard)

    rook = call.async_rook if call.is_async else call.rook
    rook.listen(Stored, plainly)
    rook.listen(Stored, awaited)
    assert call(happen) == []
    assert heard == ["plainly a", "awaited a"]
