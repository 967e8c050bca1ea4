"""One open HTTP connection: writes a request, waits for its response, and watches the clock.

An asyncio.Protocol rather than streams, and one timer per connection rather than one per request: a scan
sends tens of thousands of requests, and each microsecond of each is multiplied."""

from __future__ import annotations

import asyncio
import time

from rookery.mechanisms.engine import Request, Response
from rookery.mechanisms.transport.errors import TransportError
from rookery.mechanisms.transport.wire import ResponseReader

SMALL_BODY = 1 << 20  # bytes; of larger ones only a few are read at a time

Key = tuple[str, int, bool, str]  # host, port, TLS, and the name to ask for in its handshake


class Connection(asyncio.Protocol):
    """One connection, for one request at a time. `used` counts those it has carried; `key` is its place in
    the pool. A body beyond SMALL_BODY waits for its turn in `large`, so that hostile servers together take
    bounded memory."""

    def __init__(self, key: Key, large: asyncio.Semaphore) -> None:
        self.key = key
        self.used = 0
        self.idle_since = 0.0
        self._large = large
        self._loop = asyncio.get_running_loop()
        self._responses = ResponseReader()
        self._is_busy = self._is_large = False
        self._waiter: asyncio.Future[Response | None] | None = None
        self._early: Response | Exception | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._transport: asyncio.Transport

    async def exchange(self, request: Request, deadline: float) -> Response:
        """Send a request and read its response. TimeoutError at the deadline, by the loop's clock;
        TransportError or OSError when the answer is none or the connection breaks."""
        self.used += 1
        self._is_busy, self._is_large = True, False
        try:
            self._watch(deadline)
            self._transport.write(request.wire)
            response = self._responses.begin(request.method, request.max_body) or await self._arrival()
            return response or await self._large_response(deadline)
        finally:
            self._is_busy = False
            self.idle_since = time.monotonic()

    async def _large_response(self, deadline: float) -> Response:
        async with asyncio.timeout_at(deadline), self._large:
            self._is_large = True
            self._transport.resume_reading()
            response = await self._arrival()
            assert response is not None  # noqa: S101 -- only a body that was not yet large is interrupted
            return response

    async def _arrival(self) -> Response | None:
        """The response; None when its body turns out to be large, and waits."""
        if (early := self._early) is not None:
            self._early = None
            if isinstance(early, Exception):
                raise early
            return early
        self._waiter = self._loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    @property
    def is_open(self) -> bool:
        """Whether it may carry another request, as far as can be told from here."""
        return not self._responses.dirty and not self._transport.is_closing()

    @property
    def has_heard(self) -> bool:
        """Whether any of an answer to the last request came."""
        return self._responses.taken > 0

    async def close(self) -> None:
        """Drop it at once; what was not read is not waited for."""
        self._transport.abort()
        await self._gone.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- asyncio's word, for the type checker
        self._transport = transport
        address: object = transport.get_extra_info("peername")
        self._responses.address = str(address[0]) if isinstance(address, tuple) else ""

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came. On a kept connection that rests nobody asked for them: it is dropped."""
        if self.used and not self._is_busy:
            self._transport.abort()
            return
        self._take(data)
        if self._responses.taken > SMALL_BODY and not self._is_large and self._is_waiting():
            self._transport.pause_reading()
            self._arrived(None)

    def eof_received(self) -> None:
        """asyncio: the server has said its last; the transport closes itself."""
        self._take(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if exc is not None:
            self._arrived(exc)
        self._take(b"")
        self._gone.set()

    def _take(self, data: bytes) -> None:
        try:
            response = self._responses.feed(data)
        except TransportError as error:
            self._arrived(error)
        else:
            if response is not None:
                self._arrived(response)

    def _is_waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _arrived(self, what: Response | Exception | None) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            self._early = self._early or what  # while it waits for its turn, the connection may break
        elif isinstance(what, Exception):
            waiter.set_exception(what)
        else:
            waiter.set_result(what)

    def _watch(self, deadline: float) -> None:
        """Have the clock looked at by the deadline. A timer that is due earlier sees to it itself."""
        self._deadline = deadline
        if self._timer is not None and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if not self._is_waiting():
            return
        if self._loop.time() < self._deadline:
            self._watch(self._deadline)
        else:
            self._arrived(TimeoutError())
