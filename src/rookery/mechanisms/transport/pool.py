"""Connections that stay open between requests, per host, port and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from rookery.mechanisms.transport.dial import Dialler
from rookery.mechanisms.transport.wire import ResponseReader

MOST_IDLE = 32  # per host
MOST_LARGE = 2  # bodies of megabytes that are read at a time, over all hosts
LONGEST_IDLE = 10.0  # seconds; servers close idle connections, and a closed one costs a retry

Key = tuple[str, int, bool]


@dataclass(slots=True)
class Connection:
    """One open connection. `used` counts the requests it has carried."""

    key: Key
    writer: asyncio.StreamWriter
    responses: ResponseReader
    used: int = 0
    idle_since: float = field(default_factory=time.monotonic)

    @property
    def is_fresh(self) -> bool:
        """Whether it may still be open at the other end, as far as can be told from here."""
        young = time.monotonic() - self.idle_since < LONGEST_IDLE
        return young and not self.responses.dirty and not self.writer.is_closing()

    async def close(self) -> None:
        """Drop it at once; what was not read is not waited for."""
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class Pool:
    """Takes a connection from the idle ones or dials; takes it back when it can carry more."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._idle: dict[Key, list[Connection]] = {}
        self._large = asyncio.Semaphore(MOST_LARGE)

    async def take(self, key: Key, *, fresh: bool) -> Connection:
        """A connection that nobody else uses; with `fresh`, one that never carried a request."""
        idle = self._idle.get(key, [])
        while idle and not fresh:
            connection = idle.pop()
            if connection.is_fresh:
                return connection
            await connection.close()
        host, port, tls = key
        reader, writer = await self._dialler.dial(host, port, tls=tls)
        return Connection(key, writer, ResponseReader(reader, self._large))

    async def give_back(self, connection: Connection) -> None:
        """Keep it for the next request, or close it when it has said its last."""
        connection.idle_since = time.monotonic()
        idle = self._idle.setdefault(connection.key, [])
        if connection.is_fresh and len(idle) < MOST_IDLE:
            idle.append(connection)
        else:
            await connection.close()

    async def close(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                await connection.close()
