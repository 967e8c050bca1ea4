"""How operations are typed. Checked by mypy --strict and pyright; never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from typing import Any, TypeVar, assert_type

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from rookery.mechanisms.async_rook import AsyncRook
from rookery.mechanisms.dual import dual, dual_read, dual_stream
from rookery.mechanisms.face import Face, RookT, bound, bound_stream
from rookery.mechanisms.rook import Rook

T = TypeVar("T")


@dual
def rename(session: Session, /, old: str, *, new: str = "") -> int:
    return len(old + new)


@dual_read
def find(session: Session, /, model: type[T], key: int) -> T | None:
    return session.get(model, key)


@dual
def change(session: Session, /, key: int, **changes: object) -> bool:
    return bool(changes)


@dual
def capture(rook: Rook, /, host: str) -> bytes:
    return rook.wait_for(fetch, host)


async def fetch(host: str) -> bytes:
    return host.encode()


@dual_stream
def names(session: Session, /, prefix: str) -> Iterator[str]:
    yield prefix


class Things(Face[RookT]):
    """A domain's verbs."""

    rename = bound(rename)
    capture = bound(capture)
    names = bound_stream(names)


class House(Rook):
    """As app.Rook."""

    things: Things[Rook]


class AsyncHouse(AsyncRook):
    """As app.AsyncRook."""

    things: Things[AsyncRook]


def plain(session: Session, rook: Rook, house: House) -> None:
    assert_type(rename(session, "a", new="b"), int)
    assert_type(rename(rook, "a"), int)
    assert_type(find(session, dict, 1), dict[Any, Any] | None)
    assert_type(change(session, 1, colour="red"), bool)
    assert_type(capture(rook, "r1"), bytes)
    assert_type(names(rook, "a"), Generator[str, None, None])
    assert_type(house.things.rename("a", new="b"), int)
    assert_type(house.things.capture("r1"), bytes)
    assert_type(house.things.names("a"), Generator[str, None, None])
    assert_type(rook.each(len, ["a"], limit=2), list[int])
    assert_type(rook.offload(fetch_blocking, "r1", timeout=2.0), bytes)


def fetch_blocking(host: str, *, timeout: float) -> bytes:
    return host.encode()


async def coroutines(session: AsyncSession, rook: AsyncRook, house: AsyncHouse) -> None:
    renaming: Coroutine[Any, Any, int] = rename(session, "a", new="b")
    assert_type(await renaming, int)
    assert_type(await rename(rook, "a"), int)
    assert_type(await find(session, dict, 1), dict[Any, Any] | None)
    assert_type(await change(session, 1, colour="red"), bool)
    assert_type(await capture(rook, "r1"), bytes)
    assert_type(names(rook, "a"), AsyncGenerator[str, None])
    assert_type(await house.things.rename("a", new="b"), int)
    assert_type(await house.things.capture("r1"), bytes)
    assert_type(house.things.names("a"), AsyncGenerator[str, None])
    async with rook.transaction() as transaction:
        assert_type(transaction, AsyncSession)
