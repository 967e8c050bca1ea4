"""Manners towards one host: a rate of its own, and a pause when it says that it is too much."""

from __future__ import annotations

import asyncio
import random

from rookery.base.retry_after import seconds_of
from rookery.mechanisms.engine import Response
from rookery.mechanisms.transport.rate import RateLimit

TOO_MANY, UNAVAILABLE = 429, 503
FIRST_PAUSE = 1.0  # seconds; doubled each time in a row
MOST_PAUSES = 6  # in a row, before an answer counts for what it is


class Pace:
    """When the next request to a host may be sent. For one event loop.

    The host asks for a pause with 429, with 503 and Retry-After, or with a second 503 in a row (a single one
    may be the answer of one page). A pause is as long as it asked for, at most `longest_pause` seconds;
    with none allowed, an answer counts for what it is at once.
    `pause_count` counts them all."""

    def __init__(self, rate: RateLimit, longest_pause: float) -> None:
        self._rate = rate
        self._longest = longest_pause
        self._until = 0.0
        self._pauses = 0  # in a row
        self.pause_count = 0
        self._last_status = 0

    async def wait(self) -> None:
        """Return when the host may be asked."""
        while self.is_paused:  # noqa: ASYNC110 -- a pause may be prolonged meanwhile
            await asyncio.sleep(self._until - asyncio.get_running_loop().time())
        if self._rate.is_limit:
            await self._rate.wait()

    @property
    def is_paused(self) -> bool:
        """Whether the host is to be left in peace right now."""
        return self._until > 0 and self._until > asyncio.get_running_loop().time()

    @property
    def is_free(self) -> bool:
        """Whether nobody ever had to wait for it, nor has now."""
        return not self._until and not self._rate.is_limit

    def hear(self, response: Response, sent_at: float) -> bool:
        """Take note of an answer to what was sent at a time of the loop's clock; whether it asks for a pause,
        after which the request may be sent again."""
        status, before = response.status, self._last_status
        self._last_status = status
        if status not in (TOO_MANY, UNAVAILABLE):
            self._pauses = 0 if sent_at >= self._until else self._pauses
            return False
        asked = response.header("retry-after")
        if status == UNAVAILABLE and asked is None and before != UNAVAILABLE:
            return False
        if self._pauses >= MOST_PAUSES or not self._longest:
            return False
        if sent_at >= self._until:  # what was sent before the pause began says nothing new
            self._pause(seconds_of(asked))
        return True

    def _pause(self, asked: float | None) -> None:
        self._pauses += 1
        self.pause_count += 1
        own = FIRST_PAUSE * 2 ** (self._pauses - 1) * (1 + random.random() / 4)
        seconds = min(own if asked is None else asked, self._longest)
        self._until = asyncio.get_running_loop().time() + seconds
