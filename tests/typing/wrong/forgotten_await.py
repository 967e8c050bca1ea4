"""A forgotten await, on an operation and on a bound verb."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from tests.typing.examples import AsyncHouse, capture, rename


async def forget(session: AsyncSession, house: AsyncHouse) -> None:
    rename(session, "a")  # E: unused-coroutine, reportUnusedCoroutine
    capture(house, "r1")  # E: unused-coroutine, reportUnusedCoroutine
    house.things.rename("a")  # E: unused-coroutine, reportUnusedCoroutine
    house.things.capture("r1")  # E: unused-coroutine, reportUnusedCoroutine
