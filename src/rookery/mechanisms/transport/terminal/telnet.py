"""Telnet (RFC 854, 855): data apart from commands, and the few options that a device's command line needs.

We take the device's echo (RFC 857) and that it goes ahead (858), name our terminal (1091) and its size
(1073), and refuse every other option, each once: so no two ends can refuse each other for ever.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from enum import IntEnum

from rookery.mechanisms.transport.terminal.dialling import dial
from rookery.mechanisms.transport.terminal.errors import DeviceHungUp

SE, SB, WILL, WONT, DO, DONT, IAC = 240, 250, 251, 252, 253, 254, 255
LONGEST_SUBNEGOTIATION = 1024  # bytes
WIDTH, HEIGHT = 511, 0


class Option(IntEnum):
    """The options that are known here."""

    ECHO = 1
    GOES_AHEAD = 3
    TERMINAL = 24
    SIZE = 31


_THEIRS = {Option.ECHO, Option.GOES_AHEAD}
_OURS = {Option.TERMINAL, Option.SIZE, Option.GOES_AHEAD}


class Telnet:
    """The protocol, on bytes alone: `receive` gives what was said, and what to answer."""

    def __init__(self) -> None:
        self._rest = b""
        self._told: set[tuple[int, int]] = set()

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """The data among these bytes, and the answer to the commands among them."""
        data, self._rest = self._rest + data, b""
        said, answer = bytearray(), bytearray()
        at = 0
        while (start := data.find(IAC, at)) >= 0:
            said += data[at:start]
            length = _length(data, start)
            if length == 0:
                self._rest = data[start:][:LONGEST_SUBNEGOTIATION]
                return _without_nul(said), bytes(answer)
            command = data[start : start + length]
            if command == b"\xff\xff":
                said.append(IAC)
            else:
                answer += self._answer(command)
            at = start + length
        said += data[at:]
        return _without_nul(said), bytes(answer)

    def _answer(self, command: bytes) -> bytes:
        verb, option = command[1], command[2] if len(command) > 2 else -1
        if verb == WILL:
            return self._once(DO if option in _THEIRS else DONT, option)
        if verb == DO:
            answer = self._once(WILL if option in _OURS else WONT, option)
            size = struct.pack("!BBBHHBB", IAC, SB, Option.SIZE, WIDTH, HEIGHT, IAC, SE)
            return answer + size if answer and option == Option.SIZE else answer
        if verb == SB and command[2:4] == bytes((Option.TERMINAL, 1)):
            return bytes((IAC, SB, Option.TERMINAL, 0)) + b"vt100" + bytes((IAC, SE))
        return b""

    def _once(self, verb: int, option: int) -> bytes:
        if (verb, option) in self._told:
            return b""
        self._told.add((verb, option))
        return bytes((IAC, verb, option))


def _length(data: bytes, start: int) -> int:
    """Bytes of the command that begins there; 0 when not all of it has come."""
    if len(data) < start + 2:
        return 0
    verb = data[start + 1]
    if verb == SB:
        end = data.find(bytes((IAC, SE)), start + 2)
        return 0 if end < 0 else end + 2 - start
    size = 3 if WILL <= verb <= DONT else 2
    return size if len(data) >= start + size else 0


def _without_nul(said: bytearray) -> bytes:
    return bytes(said).replace(b"\r\x00", b"\r")


class TelnetChannel:
    """A device's command line over Telnet. Whatever goes over it can be read by anybody on the way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = Telnet()

    async def read(self) -> bytes:
        """What the device says."""
        while True:
            try:
                data = await self._reader.read(65_536)
            except OSError:
                return b""
            if not data:
                return b""
            said, answer = self._protocol.receive(data)
            if answer:
                self._writer.write(answer)
            if said:
                return said

    def write(self, data: bytes) -> None:
        """Send; a line ends with CR LF."""
        self._writer.write(data.replace(b"\xff", b"\xff\xff").replace(b"\n", b"\r\n"))

    async def run(self, command: str) -> bytes:
        """There is no such thing over Telnet."""
        raise DeviceHungUp(f"{command!r}: over Telnet there are no channels for commands; use SSH.")

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def open_telnet(
    host: str, port: int, seconds: float, line: socket.socket | None = None
) -> TelnetChannel:
    """A channel to a device, not logged in; over `line`, if that is connected already.

    Raises DeviceUnreachable, DeviceRefused.
    """
    return TelnetChannel(*await asyncio.open_connection(sock=line or await dial(host, port, seconds)))
