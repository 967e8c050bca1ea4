"""One HTTP/1.1 client for a whole scan: exact bytes out, bounded bytes in, connections kept alive.

Why our own: a scan needs the server's headers as they came, malformed answers survived, permission at dial
time, and tens of thousands of requests per second and core, which the general clients measured do not give.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from types import TracebackType
from typing import Self

from rookery.base.errors import Closed
from rookery.base.retry_after import seconds_of
from rookery.mechanisms.engine import Request, Response
from rookery.mechanisms.transport.body import decoded
from rookery.mechanisms.transport.budget import MOST_ERRORS, HostBudget
from rookery.mechanisms.transport.connection import Connection, Key
from rookery.mechanisms.transport.dial import Dialler, lenient_tls
from rookery.mechanisms.transport.errors import (
    ConnectionLost,
    HostSkipped,
    HostUnreachable,
    SlowedDown,
    TimedOut,
    TlsFailed,
    TransportError,
    UnknownHost,
)
from rookery.mechanisms.transport.pace import TOO_MANY, Pace
from rookery.mechanisms.transport.pool import LONGEST_IDLE, Pool
from rookery.mechanisms.transport.ports import Allow
from rookery.mechanisms.transport.rate import RateLimit
from rookery.mechanisms.transport.turns import Turns

REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
SURELY_OPEN = 1.0  # seconds of rest after which no server has closed a kept connection yet
PASSING = (ConnectionLost, HostUnreachable, TimedOut)  # what another try may well not meet
RETRY_AFTER = 0.2  # seconds, give or take half
MOST_RESENT = 3  # times one request is sent again because the host asked for a pause


class HttpClient:
    """Sends requests where `allow(host, address, port)` lets it; an async context manager, for one event
    loop.

    `rate_limit` is in requests per second over all hosts, `host_rate_limit` to each of them (0: none), and
    `jitter` by how much of itself the time between two requests varies. `concurrency` is how many requests
    are on their way at once, `timeout` the seconds one may take from dialling to the last byte, `retries` how
    often one that got no answer is sent again, `most_errors` how many errors in a row make a host be left
    alone, `longest_pause` the most seconds a host that answers 429 or 503 is left in peace at a time.
    `sent`, `retried` and `pause_count` count. Clients of other protocols take their `turns` with this one.
    Certificates are not verified, unless `tls` does."""

    def __init__(
        self,
        allow: Allow,
        *,
        rate_limit: float = 0.0,
        host_rate_limit: float = 0.0,
        jitter: float = 0.0,
        concurrency: int = 25,
        timeout: float = 10.0,
        retries: int = 0,
        most_errors: int = MOST_ERRORS,
        longest_pause: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._pool = Pool(Dialler(allow, tls or lenient_tls()), concurrency)
        self._rate = RateLimit(rate_limit, jitter)
        self._host_rate_limit, self._jitter = host_rate_limit, jitter
        self._longest_pause = longest_pause
        self._paces: dict[tuple[str, int], Pace] = {}
        self._room = asyncio.Semaphore(concurrency)
        self._timeout, self._retries = timeout, retries
        self._closed = False
        self.budget = HostBudget(most_errors)
        self.turns = Turns(self._rate, self._room, self.budget, self._pace)
        self.sent = 0
        self.retried = 0

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

    @property
    def pause_count(self) -> int:
        """How often a host has been left in peace for a while because it asked for it."""
        return sum(pace.pause_count for pace in self._paces.values())

    @property
    def remarks(self) -> str:
        """What went otherwise than planned for the hosts' sake, in one line; nothing when nothing did."""
        counted = {
            "requests sent again": self.retried,
            "pauses that hosts asked for": self.pause_count,
            "requests not sent, their host being left alone": self.budget.skipped.total(),
        }
        return "; ".join(f"{what}: {count:,}" for what, count in counted.items() if count)

    async def send(self, request: Request) -> Response:
        """The response to a request. TransportError or OutOfScope, in one line, when there is none."""
        if self._closed:
            raise Closed("The HTTP client has been closed.")
        host, port = request.host, request.port
        self.budget.check(host, port)
        try:
            response = await self._when_welcome(request)
        except HostSkipped:
            raise
        except TransportError as error:
            self.budget.failed(host, port, error)
            raise
        self.budget.succeeded(host, port)
        return decoded(response, request.max_body)

    def _pace(self, host: str, port: int) -> Pace:
        pace = self._paces.get((host, port))
        if pace is None:
            rate = RateLimit(self._host_rate_limit, self._jitter)
            pace = self._paces[host, port] = Pace(rate, self._longest_pause)
        return pace

    async def _when_welcome(self, request: Request) -> Response:
        """Send, and again after the pauses that the host asks for. One that never stops saying 429 has given
        no answer."""
        pace, left = self._pace(request.host, request.port), MOST_RESENT
        response, sent_at = await self._with_retries(request, pace)
        while pace.hear(response, sent_at) and left:
            left -= 1
            self.retried += 1
            response, sent_at = await self._with_retries(request, pace)
        if response.status == TOO_MANY:
            place = f"{request.host}:{request.port}"
            asked = seconds_of(response.header("retry-after")) or 0.0
            often = ", again and again" if left < MOST_RESENT else ""
            raise SlowedDown(f"{place}: it answers 429 Too Many Requests{often}", asked)
        return response

    async def _with_retries(self, request: Request, pace: Pace) -> tuple[Response, float]:
        left = self._retries
        while True:
            try:
                return await self._in_turn(request, pace)
            except PASSING as error:
                if not left or not _may_be_repeated(request, error):
                    raise
            left -= 1
            self.retried += 1
            await asyncio.sleep(RETRY_AFTER * (0.5 + random.random()))

    async def _in_turn(self, request: Request, pace: Pace) -> tuple[Response, float]:
        """The response, and when by the loop's clock its request was sent."""
        loop = asyncio.get_running_loop()
        while True:
            if not pace.is_free:
                await pace.wait()
            async with self._room:
                if pace.is_paused:  # a pause must not keep the room from other hosts
                    continue
                if self._rate.is_limit:
                    await self._rate.wait()
                self.budget.check(request.host, request.port)
                sent_at = loop.time()
                return await self._in_time(request, sent_at), sent_at

    async def _in_time(self, request: Request, now: float) -> Response:
        seconds = request.timeout or self._timeout
        try:
            return await self._answered(request, now + seconds)
        except TimeoutError:
            place = f"{request.host}:{request.port}"
            raise TimedOut(f"{place}: no complete answer within {seconds:g} seconds") from None

    async def _answered(self, request: Request, deadline: float) -> Response:
        """Send and read; once more when a kept connection turns out to have been closed meanwhile."""
        key: Key = (request.host, request.port, request.scheme == "https", request.server_name)
        if request.exact:
            return await self._alone(key, request, deadline)
        is_repeatable = request.method in REPEATABLE
        connection = await self._pool.kept(key, LONGEST_IDLE if is_repeatable else SURELY_OPEN)
        if connection is not None:
            try:
                return await self._exchange(connection, request, deadline)
            except ConnectionLost:
                if connection.has_heard and not is_repeatable:
                    raise
        async with asyncio.timeout_at(deadline):
            connection = await self._pool.dialled(key)
        return await self._exchange(connection, request, deadline)

    async def _alone(self, key: Key, request: Request, deadline: float) -> Response:
        """Bytes as written may leave a connection in any state: they get one of their own, used once."""
        async with asyncio.timeout_at(deadline):
            connection = await self._pool.dialled(key)
        try:
            return await connection.exchange(request, deadline)
        except (TransportError, OSError) as error:
            raise _translated(error, request) from None
        finally:
            self.sent += 1
            await connection.close()

    async def _exchange(self, connection: Connection, request: Request, deadline: float) -> Response:
        self.sent += 1
        finished = False
        try:
            response = await connection.exchange(request, deadline)
            finished = True
        except (TransportError, OSError) as error:
            raise _translated(error, request) from None
        finally:
            await (self._pool.give_back(connection) if finished else connection.close())
        return response


def _may_be_repeated(request: Request, error: TransportError) -> bool:
    """Whether sending again can help, and cannot do a thing twice at the other end."""
    if isinstance(error, UnknownHost):
        return False
    return request.method in REPEATABLE or isinstance(error, HostUnreachable)


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
