"""One HTTP/1.1 client for a whole scan: exact bytes out, bounded bytes in, connections kept alive.

Why our own: a scan needs the server's headers as they came, malformed answers survived, permission at dial
time, and tens of thousands of requests per second and core, which the general clients measured do not give.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from rookery.base.errors import Closed
from rookery.mechanisms.engine import Request, Response
from rookery.mechanisms.transport.budget import MOST_ERRORS, HostBudget
from rookery.mechanisms.transport.dial import Dialler, lenient_tls
from rookery.mechanisms.transport.errors import ConnectionLost, TimedOut, TlsFailed, TransportError
from rookery.mechanisms.transport.pool import Connection, Key, Pool
from rookery.mechanisms.transport.ports import Allow
from rookery.mechanisms.transport.rate import RateLimit

REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class HttpClient:
    """Sends requests where `allow(host, address, port)` lets it; an async context manager, for one event
    loop.

    `rate_limit` is in requests per second over all hosts (0: none), `concurrency` how many requests are on
    their way at once, `timeout` the seconds one request may take from dialling to the last byte,
    `most_errors` how many errors in a row make a host be left alone. Certificates are not verified."""

    def __init__(
        self,
        allow: Allow,
        *,
        rate_limit: float = 0.0,
        concurrency: int = 25,
        timeout: float = 10.0,
        most_errors: int = MOST_ERRORS,
    ) -> None:
        self._pool = Pool(Dialler(allow, lenient_tls()))
        self._rate = RateLimit(rate_limit)
        self._room = asyncio.Semaphore(concurrency)
        self._timeout = timeout
        self._closed = False
        self.budget = HostBudget(most_errors)
        self.sent = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. Sending afterwards raises Closed."""
        self._closed = True
        await self._pool.close()

    async def send(self, request: Request) -> Response:
        """The response to a request. TransportError or OutOfScope, in one line, when there is none."""
        if self._closed:
            raise Closed("The HTTP client has been closed.")
        self.budget.check(request.host, request.port)
        async with self._room:
            await self._rate.wait()
            self.budget.check(request.host, request.port)
            self.sent += 1
            try:
                response = await self._in_time(request)
            except TransportError as error:
                self.budget.failed(request.host, request.port, error)
                raise
        self.budget.succeeded(request.host, request.port)
        return response

    async def _in_time(self, request: Request) -> Response:
        seconds = request.timeout or self._timeout
        started = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                response = await self._answered(request)
        except TimeoutError:
            place = f"{request.host}:{request.port}"
            raise TimedOut(f"{place}: no complete answer within {seconds:g} seconds") from None
        return replace(response, duration=time.perf_counter() - started)

    async def _answered(self, request: Request) -> Response:
        """Send and read; once more when a kept connection turns out to have been closed meanwhile."""
        key: Key = (request.host, request.port, request.scheme == "https")
        repeatable = request.method in REPEATABLE
        connection = await self._pool.take(key, fresh=not repeatable)
        if connection.used:
            try:
                return await self._exchange(connection, request)
            except ConnectionLost:
                connection = await self._pool.take(key, fresh=True)
        return await self._exchange(connection, request)

    async def _exchange(self, connection: Connection, request: Request) -> Response:
        connection.used += 1
        finished = False
        try:
            connection.writer.write(request.wire)
            await connection.writer.drain()
            response = await connection.responses.read(request.method, request.max_body)
            finished = True
        except (TransportError, OSError) as error:
            raise _translated(error, request) from None
        finally:
            await (self._pool.give_back(connection) if finished else connection.close())
        return response


def _translated(error: TransportError | OSError, request: Request) -> Exception:
    """The error with host and port, as one of ours; a timeout is left to the one who set it."""
    place = f"{request.host}:{request.port}"
    if isinstance(error, TransportError):
        return type(error)(f"{place}: {error}")
    if isinstance(error, ssl.SSLError):
        return TlsFailed(f"{place}: TLS failed: {(error.reason or 'error').replace('_', ' ').lower()}")
    if isinstance(error, TimeoutError):
        return error
    return ConnectionLost(f"{place}: the connection broke off")
