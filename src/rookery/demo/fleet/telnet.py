"""A simulated device over Telnet: asks for name and password in line, and negotiates as real ones do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from rookery.demo.fleet.server import SimulatedDevice

NEGOTIATION = bytes((255, 251, 1, 255, 251, 3, 255, 253, 24, 255, 253, 31))
"""WILL ECHO, WILL SUPPRESS-GO-AHEAD, DO TERMINAL-TYPE, DO NAWS."""


class TelnetDevice:
    """One device on a loopback port. Use as an async context manager."""

    def __init__(self, device: SimulatedDevice) -> None:
        self.device = device
        self.answered = b""
        """What it has been told of options."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> TelnetDevice:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.device.port)
        self.device.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):  # those whose end has not been noticed yet
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(NEGOTIATION)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        manner, script = self.device.behaviour, self.device.script
        name = await self._asked(reader, writer, "\r\nUser Access Verification\r\n\r\nUsername: ")
        writer.write(f"{name}\r\n".encode())
        password = await self._asked(reader, writer, "Password: ")
        if (name, password) != (manner.username, manner.password):
            self.device.refused += 1
            writer.write(b"\r\n% Login invalid\r\n\r\nUsername: ")
            await reader.readline()
            return
        self.device.logins += 1
        writer.write(f"\r\n{script.greeting or ''}".replace("\n", "\r\n").encode())
        at, prompt = 0, (script.greeting or "").rpartition("\n")[2]
        while line := await self._line(reader):
            found = script.answer(line, at)
            if found is not None:
                answer, at = found
                prompt = answer.rpartition("\n")[2]
                writer.write(answer.replace("\r\n", "\n").replace("\n", "\r\n").encode())
            elif manner.refusal is not None:
                said = f"{manner.refusal}\r\n" if line.strip() else ""
                writer.write(f"{line.strip()}\r\n{said}{prompt}".encode())
            if line.strip() in {"exit", "quit"}:
                return

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: str) -> str:
        writer.write(question.encode())
        return (await self._line(reader)).strip()

    async def _line(self, reader: asyncio.StreamReader) -> str:
        raw = await reader.readline()
        while raw.startswith(b"\xff"):
            length = raw.find(b"\xff\xf0") + 2 if raw[1] == 250 else 3
            self.answered += raw[:length]
            raw = raw[length:]
        return raw.decode("utf-8", "replace").replace("\r\n", "\n")
