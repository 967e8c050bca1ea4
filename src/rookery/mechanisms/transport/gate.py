"""A gate for programs that dial themselves: a SOCKS5 proxy (RFC 1928) on loopback that asks before it dials.

What a foreign scanner is told about the scope, it forgets at the next redirect. Told to use this proxy, it
reaches nothing but what `allow` lets it, whatever leads it there; and it is known afterwards who was there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from rookery.base.errors import RookeryError
from rookery.mechanisms.transport.dial import Dialler, Streams, lenient_tls
from rookery.mechanisms.transport.errors import HostSkipped, OutOfScope, UnknownHost
from rookery.mechanisms.transport.ports import Allow

VERSION = 5
NO_AUTHENTICATION, NONE_ACCEPTABLE = 0, 0xFF
CONNECT = 1
IPV4, NAME, IPV6 = 1, 3, 4
GRANTED, FORBIDDEN, UNREACHABLE, NOT_SUPPORTED = 0, 2, 4, 7
HANDSHAKE_SECONDS = 10.0
CHUNK = 64 << 10  # bytes
MOST_PLACES = 10_000  # kept, of each kind
MOST_SILENT = 30  # connections in a row of which none got an answer, before a place is left alone


class Place(NamedTuple):
    """Where a program asked to be connected to."""

    host: str
    port: int


class Gate:
    """`async with Gate(allow) as gate:` lets programs through at `gate.url`.

    `reached` are the places that took a connection, `failed` those that never did, with the last reason;
    those that were not allowed are among them, and `on_refused` hears of each, once. `given_up` are those
    that are not dialled any more, for nobody got an answer there MOST_SILENT times in a row. `patience` is in
    seconds; `pace` is waited for before a host is dialled.
    """

    def __init__(
        self,
        allow: Allow,
        *,
        patience: float = 10.0,
        pace: Callable[[str], Awaitable[None]] | None = None,
        on_refused: Callable[[OutOfScope], None] | None = None,
    ) -> None:
        self._dialler = Dialler(allow, lenient_tls())
        self._patience, self._pace = patience, pace
        self._on_refused = on_refused
        self._passing: set[asyncio.Task[None]] = set()
        self.reached: set[Place] = set()
        self.failed: dict[Place, RookeryError] = {}
        self.given_up: set[Place] = set()
        self._silent: Counter[Place] = Counter()
        self.connections = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"socks5://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- asyncio serves every connection in a task of its own
        self._passing.add(task)
        try:
            await self._pass(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass  # one of the two went away, or the gate is closed
        finally:
            self._passing.discard(task)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            place = await _asked(reader, writer)
        if place is None:
            return
        self.connections += 1
        outward = await self._dialled(place, writer)
        if outward is not None:
            try:
                has_answered = await _both_ways((reader, writer), outward, self._patience)
            finally:
                outward[1].transport.abort()
            self._note(place, has_answered=has_answered)

    def _note(self, place: Place, *, has_answered: bool) -> None:
        """Whether a connection got an answer."""
        if has_answered:
            self._silent.pop(place, None)
        elif len(self._silent) < MOST_PLACES:
            self._silent[place] += 1
            if self._silent[place] >= MOST_SILENT:
                self.given_up.add(place)

    async def _dialled(self, place: Place, writer: asyncio.StreamWriter) -> Streams | None:
        if place in self.given_up:
            reason = f"{place.host}:{place.port} gave no answer {MOST_SILENT} times in a row"
            self.failed.setdefault(place, HostSkipped(reason))
            writer.write(_reply(UNREACHABLE))
            return None
        if self._pace is not None:
            await self._pace(place.host)
        try:
            async with asyncio.timeout(self._patience):
                streams = await self._dialler.dial(place.host, place.port, tls=False)
        except (RookeryError, TimeoutError) as error:
            await self._refuse(place, error, writer)
            return None
        self.failed.pop(place, None)
        if len(self.reached) < MOST_PLACES:
            self.reached.add(place)
        writer.write(_reply(GRANTED))
        return streams

    async def _refuse(self, place: Place, error: Exception, writer: asyncio.StreamWriter) -> None:
        if not isinstance(error, RookeryError):
            error = UnknownHost(f"{place.host}:{place.port}: there was no answer")
        if not isinstance(error, OutOfScope):
            self._note(place, has_answered=False)
        if place not in self.reached and len(self.failed) < MOST_PLACES:
            if isinstance(error, OutOfScope) and place not in self.failed and self._on_refused is not None:
                self._on_refused(error)
            self.failed[place] = error
        writer.write(_reply(FORBIDDEN if isinstance(error, OutOfScope) else UNREACHABLE))
        await writer.drain()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Place | None:
    """What the program wants; None when it is not to be had here, which it is told."""
    version, methods = await reader.readexactly(2)
    offered = await reader.readexactly(methods)
    if version != VERSION or NO_AUTHENTICATION not in offered:
        writer.write(bytes((VERSION, NONE_ACCEPTABLE)))
        return None
    writer.write(bytes((VERSION, NO_AUTHENTICATION)))
    _, command, _, kind = await reader.readexactly(4)
    host = await _host(reader, kind)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    if command != CONNECT or not host:
        writer.write(_reply(NOT_SUPPORTED))
        return None
    return Place(host, port)


async def _host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind in (IPV4, IPV6):
        return str(ipaddress.ip_address(await reader.readexactly(4 if kind == IPV4 else 16)))
    if kind != NAME:
        return ""
    (length,) = await reader.readexactly(1)
    return (await reader.readexactly(length)).decode("ascii", "replace").lower()


def _reply(code: int) -> bytes:
    """An answer without a bound address, which nobody who only connects has a use for."""
    return struct.pack("!BBBB4sH", VERSION, code, 0, IPV4, bytes(4), 0)


async def _both_ways(inward: Streams, outward: Streams, patience: float) -> bool:
    """Until both have said all; whether anything came back.

    Who has ended and is not told anything for `patience` seconds is taken to be gone.
    """
    back = _Flow(outward[0], inward[1])
    async with asyncio.TaskGroup() as tasks:
        coming = tasks.create_task(back.run())
        await _Flow(inward[0], outward[1]).run()
        size = -1
        while back.size != size and not coming.done():
            size = back.size
            await asyncio.wait([coming], timeout=patience)
        coming.cancel()
    return back.size > 0


class _Flow:
    """Copies one way; `size` is how much it has copied."""

    def __init__(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._source, self._sink = source, sink
        self.size = 0

    async def run(self) -> None:
        """Until the source ends, and says so to the sink; what breaks on one side ends on the other, too."""
        with suppress(OSError):
            while data := await self._source.read(CHUNK):
                self.size += len(data)
                self._sink.write(data)
                await self._sink.drain()
        with suppress(OSError, RuntimeError):
            self._sink.write_eof()
