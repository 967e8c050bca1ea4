"""Connections that stay open between requests, per host, port and TLS."""

from __future__ import annotations

import asyncio
import time

from rookery.mechanisms.transport.connection import Connection, Key
from rookery.mechanisms.transport.dial import Dialler

MOST_LARGE = 2  # bodies of megabytes that are read at a time, over all hosts
LONGEST_IDLE = 10.0  # seconds; servers close idle connections, and a closed one costs a retry


class Pool:
    """Takes a connection from the idle ones or dials; takes it back when it can carry more."""

    def __init__(self, dialler: Dialler, most_idle: int) -> None:
        self._dialler = dialler
        self._most_idle = most_idle  # per host
        self._idle: dict[Key, list[Connection]] = {}
        self._large = asyncio.Semaphore(MOST_LARGE)

    async def kept(self, key: Key, longest_idle: float = LONGEST_IDLE) -> Connection | None:
        """A connection that has carried a request before, has rested no longer than so many seconds, and
        that nobody else uses."""
        idle = self._idle.get(key)
        while idle:
            rested = time.monotonic() - idle[-1].idle_since
            if idle[-1].is_open and rested < LONGEST_IDLE:
                return idle.pop() if rested < longest_idle else None
            await idle.pop().close()
        return None

    async def dialled(self, key: Key) -> Connection:
        """A connection that has not carried a request yet."""
        host, port, tls, name = key
        return await self._dialler.connect(
            host, port, lambda: Connection(key, self._large), tls=tls, server_name=name
        )

    async def give_back(self, connection: Connection) -> None:
        """Keep it for the next request, or close it when it has said its last."""
        idle = self._idle.setdefault(connection.key, [])
        if connection.is_open and len(idle) < self._most_idle:
            idle.append(connection)
        else:
            await connection.close()

    async def close(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                await connection.close()
