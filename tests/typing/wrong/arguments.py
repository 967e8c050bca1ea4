"""Arguments that are wrong, missing or unknown, in both worlds."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from rookery.mechanisms.rook import Rook
from tests.typing.examples import House, capture, rename


def plain(session: Session, rook: Rook, house: House) -> None:
    rename(session, 7)  # E: call-overload, reportCallIssue|reportArgumentType
    rename(session)  # E: call-overload, reportCallIssue
    rename(session, "a", colour="red")  # E: call-overload, reportCallIssue
    capture(session, "r1")  # E: call-overload, reportCallIssue|reportArgumentType
    house.things.rename(7)  # E: arg-type, reportArgumentType
    house.things.rename()  # E: call-arg, reportCallIssue


async def coroutines(session: AsyncSession) -> None:
    await rename(session, 7)  # E: call-overload, reportCallIssue|reportArgumentType
    len(await rename(session, "a"))  # E: arg-type, reportArgumentType
