"""What `@dual` costs over the same operation written by hand for one world.

Every round runs each variant many times, in shuffled order, for a fixed order favours some by several per
cent; a variant's figure is the 10th percentile of its rounds, which leaves out what else the machine did.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Select, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.rows import Row
from rookery.mechanisms.dual import dual
from rookery.mechanisms.store import open_async_engine, open_engine

ROWS = 1000
ROUNDS = 500


class Models(DeclarativeBase):
    """Apart from the house's own."""


class Device(Models):
    """Something to read."""

    __tablename__ = "device"
    name: Mapped[str] = mapped_column(Text(), primary_key=True)
    address: Mapped[str]


def get_by_hand(session: Session, name: str) -> Device | None:
    """From the identity map after the first time: no SQL, so that the call itself is what is measured."""
    return session.get(Device, name)


async def get_by_hand_async(session: AsyncSession, name: str) -> Device | None:
    """The same, as one writes it for coroutines."""
    return await session.get(Device, name)


@dual
def get(session: Session, /, name: str) -> Device | None:
    """The same, written once."""
    return session.get(Device, name)


def addresses_by_hand(session: Session, start: str) -> list[str]:
    """A real statement: fifty rows by key from a file."""
    return list(session.scalars(_fifty(start)))


async def addresses_by_hand_async(session: AsyncSession, start: str) -> list[str]:
    """The same, as one writes it for coroutines."""
    return list(await session.scalars(_fifty(start)))


@dual
def addresses(session: Session, /, start: str) -> list[str]:
    """The same, written once."""
    return list(session.scalars(_fifty(start)))


def _fifty(start: str) -> Select[str]:
    return select(Device.address).where(Device.name >= start).order_by(Device.name).limit(50)


def main() -> Iterator[Row]:
    """One row per world and kind of operation."""
    with TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'bench.db'}"
        _fill(url)
        yield from _plain(url)
        with asyncio.Runner() as runner:
            yield from runner.run(_coroutines(url))


def _fill(url: str) -> None:
    engine = open_engine(url)
    Models.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(Device(name=f"r{n:04}", address=f"10.0.{n // 256}.{n % 256}") for n in range(ROWS))
    engine.dispose()


def _plain(url: str) -> list[Row]:
    engine = open_engine(url)
    with Session(engine) as session:
        kept = get(session, "r0001")  # the identity map holds only what somebody holds
        calls = _times(
            {"hand": lambda: get_by_hand(session, "r0001"), "dual": lambda: get(session, "r0001")}, 100
        )
        statements = _times(
            {
                "hand": lambda: addresses_by_hand(session, "r0100"),
                "dual": lambda: addresses(session, "r0100"),
            },
            5,
        )
    engine.dispose()
    assert kept is not None
    return [_per_call("plain", calls), _per_cent("plain", statements)]


async def _coroutines(url: str) -> list[Row]:
    engine = open_async_engine(url)
    async with AsyncSession(engine) as session:
        kept = await get(session, "r0001")
        calls = await _times_async(
            {"hand": lambda: get_by_hand_async(session, "r0001"), "dual": lambda: get(session, "r0001")}, 100
        )
        statements = await _times_async(
            {
                "hand": lambda: addresses_by_hand_async(session, "r0100"),
                "dual": lambda: addresses(session, "r0100"),
            },
            5,
        )
    await engine.dispose()
    assert kept is not None
    return [_per_call("coroutines", calls), _per_cent("coroutines", statements)]


def _times(variants: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Seconds per call of each variant."""
    rounds: dict[str, list[float]] = {name: [] for name in variants}
    for name in _shuffled(variants):
        call = variants[name]
        start = time.perf_counter()
        for _ in range(calls):
            call()
        rounds[name].append((time.perf_counter() - start) / calls)
    return {name: _tenth_percentile(times) for name, times in rounds.items()}


async def _times_async(variants: dict[str, Callable[[], Awaitable[object]]], calls: int) -> dict[str, float]:
    """The same for coroutine functions."""
    rounds: dict[str, list[float]] = {name: [] for name in variants}
    for name in _shuffled(variants):
        call = variants[name]
        start = time.perf_counter()
        for _ in range(calls):
            await call()
        rounds[name].append((time.perf_counter() - start) / calls)
    return {name: _tenth_percentile(times) for name, times in rounds.items()}


def _shuffled(variants: Iterable[str]) -> Iterator[str]:
    names = list(variants)
    for _ in range(ROUNDS):
        random.shuffle(names)
        yield from names


def _tenth_percentile(times: list[float]) -> float:
    return sorted(times)[len(times) // 10]


def _per_call(world: str, seconds: dict[str, float]) -> Row:
    hand, both = seconds["hand"] * 1e6, seconds["dual"] * 1e6
    detail = f"by hand {hand:.2f} µs, @dual {both:.2f} µs"
    return Row(f"@dual per call, {world}", both - hand, "µs", 1.0, "less", detail)


def _per_cent(world: str, seconds: dict[str, float]) -> Row:
    hand, both = seconds["hand"] * 1e6, seconds["dual"] * 1e6
    detail = f"by hand {hand:.0f} µs, @dual {both:.0f} µs for a SELECT of 50 rows, SQLite file"
    return Row(f"@dual on a statement, {world}", 100 * (both / hand - 1), "%", 3.0, "less", detail)
