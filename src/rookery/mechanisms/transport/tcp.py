"""Dialogues over TCP and TLS: what a template says, and no more of the answer than it asked for."""

from __future__ import annotations

import asyncio
import contextlib

from rookery.mechanisms.engine import TcpAnswer, TcpAsk, TcpStep
from rookery.mechanisms.engine.asks import LARGEST_READ
from rookery.mechanisms.transport.dial import Dialler, Streams, lenient_tls
from rookery.mechanisms.transport.errors import ConnectionLost, TimedOut
from rookery.mechanisms.transport.ports import Allow
from rookery.mechanisms.transport.turns import Turns

READ_TIMEOUT = 5.0  # seconds one read waits; nuclei's
LONGEST_TALK = 60.0  # seconds a dialogue may take, whatever its steps
PIECE = 1 << 16  # bytes


class TcpClient:
    """Dials where `allow` lets it, a connection for each dialogue; `timeout` is in seconds, to connect."""

    def __init__(
        self,
        allow: Allow,
        turns: Turns,
        *,
        timeout: float = 10.0,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self._dialler = Dialler(allow, lenient_tls())
        self._turns = turns
        self._timeout, self._read_timeout = timeout, read_timeout

    async def talk(self, ask: TcpAsk) -> TcpAnswer:
        """Have a dialogue. TransportError or OutOfScope, in one line, when it cannot be had."""
        place = f"{ask.host}:{ask.port}"
        async with self._turns.turn(ask.host, ask.port):
            try:
                async with asyncio.timeout(LONGEST_TALK):
                    return await self._had(ask)
            except TimeoutError:
                raise TimedOut(f"{place}: nothing complete came in time") from None
            except OSError:
                raise ConnectionLost(f"{place}: the connection broke off") from None

    async def _had(self, ask: TcpAsk) -> TcpAnswer:
        async with asyncio.timeout(self._timeout):
            streams = await self._dialler.dial(ask.host, ask.port, tls=ask.tls)
        writer = streams[1]
        try:
            address = str(writer.get_extra_info("peername")[0])
            await self._say_all(ask, streams)
            return TcpAnswer(address)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _say_all(self, ask: TcpAsk, streams: Streams) -> None:
        heard: bytes | None = None
        while (step := ask.dialogue.next_step(heard)) is not None:
            streams[1].write(step.data)
            with contextlib.nullcontext() if step.required or step.data else contextlib.suppress(OSError):
                await streams[1].drain()
            heard = await self._heard(step, streams[0]) if step.read else None
            if step.required and not heard:
                raise ConnectionLost(f"{ask.host}:{ask.port}: nothing could be read where an answer was due")

    async def _heard(self, step: TcpStep, reader: asyncio.StreamReader) -> bytes:
        """What the other side says in time; nothing when it closes or falls silent."""
        if not step.to_end:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(self._read_timeout):
                    return await reader.read(step.read)
            return b""
        heard = bytearray()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._read_timeout):
                while len(heard) < LARGEST_READ and (piece := await reader.read(PIECE)):
                    heard += piece
        return bytes(heard[:LARGEST_READ])
