"""A rate limit: requests are spread evenly, give or take, and none is ever refused."""

from __future__ import annotations

import asyncio
import random


class RateLimit:
    """At most `per_second` passes each second, over all who wait; 0 is no limit. For one event loop.

    `jitter` is by how much of itself the time between two passes varies, 0 to 1: the average stays.
    """

    def __init__(self, per_second: float, jitter: float = 0.0) -> None:
        self._interval = 1.0 / per_second if per_second > 0 else 0.0
        self._jitter = jitter
        self._next = 0.0

    @property
    def is_limit(self) -> bool:
        """Whether anybody ever has to wait."""
        return self._interval > 0

    async def wait(self) -> None:
        """Return when the caller's turn has come. Turns are given in the order of the calls."""
        if not self._interval:
            return
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now)
        varied = self._jitter * (2 * random.random() - 1)
        self._next = turn + self._interval * (1 + varied)
        if turn > now:
            await asyncio.sleep(turn - now)
