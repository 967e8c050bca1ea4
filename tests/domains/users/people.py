"""What the tests of users share: people, passing time, what was audited, and all that a database holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pyotp
from sqlalchemy import text, update

from rookery import app
from rookery.base.clock import now
from rookery.domains.users import second_factor, service
from rookery.domains.users.document import User
from rookery.domains.users.models import (
    ApiToken,
    KnownNetwork,
    LoginThrottle,
    SetupToken,
    UserAccount,
    UserSession,
)
from rookery.domains.users.totp import STEP
from rookery.foundations import metadata
from tests.conftest import Call

PASSWORD = "correct battery 42"
TIMED = (ApiToken, KnownNetwork, LoginThrottle, SetupToken, UserAccount, UserSession)


def add(call: Call, name: str = "ada", role: str = "viewer", **more: Any) -> User:
    """Somebody with the password of all."""
    found: User = call(service.create, name, None, role, **{"password": PASSWORD, **more})
    return found


def pass_time(call: Call, span: timedelta) -> None:
    """Let everything that is stored of users have happened so much earlier."""
    moved = span // timedelta(microseconds=1)
    with call.rook.transaction() as session:
        for table in TIMED:
            times = [column for column in table.__table__.columns if column.name.endswith("_us")]
            session.execute(update(table).values({each.name: each - moved for each in times}))
        steps = UserAccount.totp_step - span // timedelta(seconds=STEP)
        session.execute(update(UserAccount).values(totp_step=steps))


def with_totp(call: Call, user: User) -> tuple[pyotp.TOTP, list[str]]:
    """An app that has the user's secret, half a minute on from its last code, and the recovery codes."""
    app_ = pyotp.TOTP(call(second_factor.totp_begin, user.id).secret)
    codes = call(second_factor.totp_confirm, user.id, app_.at(now()))
    pass_time(call, timedelta(minutes=2))
    return app_, list(codes)


def audited(call: Call) -> list[tuple[str, str, dict[str, Any]]]:
    """Type, object and details of all entries, the oldest first."""
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())]


def everything_stored(call: Call) -> str:
    """Every cell of every table, as text; bytes both as they are and in hexadecimal digits."""
    audited(call)
    with call.rook.reading() as session:
        names = metadata().tables
        cells = [
            cell for name in names for row in session.execute(text(f'SELECT * FROM "{name}"')) for cell in row
        ]
    read = [bytes(each) if isinstance(each, memoryview) else each for each in cells]
    return "\n".join(f"{each!r} {each.hex()}" if isinstance(each, bytes) else str(each) for each in read)


def at_once(call: Call, *operations: Callable[[Any], Any]) -> list[Any]:
    """What comes of operations on a Rook that begin at the same time; errors are returned."""
    if call.is_async:

        async def together(rook: app.AsyncRook) -> list[Any]:
            return await asyncio.gather(*(each(rook) for each in operations), return_exceptions=True)

        found: list[Any] = call(together)
        return found
    with ThreadPoolExecutor(len(operations)) as pool:
        futures = [pool.submit(each, call.rook) for each in operations]
        return [each.exception() or each.result() for each in futures]
