"""So that nobody's account is locked: a password that is not known to be right is tried one at a time.

Five hundred devices that all ask the same directory would otherwise refuse a mistyped password five hundred
times within a second. Once a device has taken it, the others are asked at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rookery.domains.credentials.rules import FAILURES
from rookery.mechanisms.transport.terminal.errors import LoginFailed


class CredentialPaused(Exception):
    """Too many devices have refused it: leave it alone for now."""


class Guard:
    """Watches the logins of one run on many devices. Belongs to one event loop."""

    def __init__(self) -> None:
        self._proven: set[str] = set()
        self._failures: dict[str, int] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def trying(self, credential_id: str) -> AsyncIterator[None]:
        """Around a login. Raises CredentialPaused instead of letting it be tried."""
        if not await self._has_the_turn(credential_id):
            yield
            return
        try:
            yield
        except LoginFailed:
            self._failures[credential_id] = self._failures.get(credential_id, 0) + 1
            raise
        else:
            self._proven.add(credential_id)
        finally:
            self._turns[credential_id].release()

    async def _has_the_turn(self, credential_id: str) -> bool:
        """Wait for it; False when there is nobody to wait for any more, because a device has taken it."""
        if credential_id in self._proven:
            return False
        turn = self._turns.setdefault(credential_id, asyncio.Lock())
        await turn.acquire()
        is_proven = credential_id in self._proven
        if is_proven or self._failures.get(credential_id, 0) >= FAILURES:
            turn.release()
        if not is_proven and self._failures.get(credential_id, 0) >= FAILURES:
            raise CredentialPaused
        return not is_proven
