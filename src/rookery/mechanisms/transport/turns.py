"""Whose turn it is: the limits that the protocols beside http share with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rookery.mechanisms.transport.budget import HostBudget
from rookery.mechanisms.transport.errors import TransportError
from rookery.mechanisms.transport.pace import Pace
from rookery.mechanisms.transport.rate import RateLimit


class Turns:
    """Lets asks through in turn: as fast as `rate` and a host's own `pace` say, as many at once as there is
    `room`, and none to a host that has used up its `budget` of errors. For one event loop.

    An HttpClient gives out its own, as `client.turns`. `taken` counts."""

    def __init__(
        self, rate: RateLimit, room: asyncio.Semaphore, budget: HostBudget, pace: Callable[[str, int], Pace]
    ) -> None:
        self._rate, self._room, self._pace = rate, room, pace
        self.budget = budget
        self.taken = 0

    @asynccontextmanager
    async def turn(self, host: str, port: int) -> AsyncIterator[None]:
        """Wait for a turn; HostSkipped when the host is left alone. What happens within is counted."""
        self.budget.check(host, port)
        await self._pace(host, port).wait()
        async with self._room:
            await self._rate.wait()
            self.budget.check(host, port)
            self.taken += 1
            try:
                yield
            except TransportError as error:
                self.budget.failed(host, port, error)
                raise
        self.budget.succeeded(host, port)
