"""A rate limit: requests are spread evenly, none is ever refused."""

from __future__ import annotations

import asyncio


class RateLimit:
    """At most `per_second` passes each second, over all who wait; 0 is no limit. For one event loop."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second if per_second > 0 else 0.0
        self._next = 0.0

    async def wait(self) -> None:
        """Return when the caller's turn has come. Turns are given in the order of the calls."""
        if not self._interval:
            return
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now)
        self._next = turn + self._interval
        if turn > now:
            await asyncio.sleep(turn - now)
