"""The devices: one asyncssh server per port, each with a script and a manner of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncssh

from rookery.demo.fleet.script import Script

CHUNK = 16_384  # bytes, unless it is to be slow


@dataclass(frozen=True)
class Behaviour:
    """How a device is: seconds before the login and before each answer, answers in pieces with pauses."""

    username: str = "admin"
    password: str = "admin"  # noqa: S105  of a simulated device
    login_delay: float = 0.0
    answer_delay: float = 0.0
    pieces: int = 1
    smallest_piece: int = 1
    piece_delay: float = 0.0
    slow_command: str | None = None
    """The only one before whose answer there is a delay; all, when none is named."""
    hangs_after: str | None = None
    """A command that gets half of its answer, and then nothing more."""
    refusal: str | None = None
    """What it says to commands that it does not know; nothing at all, not even their echo, without one."""
    closes_after: str | None = None
    """A command that gets half of its answer, and then the end of the connection."""


@dataclass
class SimulatedDevice:
    """One device. What it answers may be changed while it runs: put another script there."""

    script: Script
    behaviour: Behaviour = field(default_factory=Behaviour)
    port: int = 0
    heard: list[str] = field(default_factory=list)
    """What was said to it after the login, line by line."""
    logins: int = 0
    refused: int = 0


class Fleet:
    """Devices on loopback ports, in the running event loop. Use as an async context manager."""

    def __init__(self, devices: Sequence[SimulatedDevice]) -> None:
        self.devices = list(devices)
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._servers: list[asyncssh.SSHAcceptor] = []
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def __aenter__(self) -> Fleet:
        for device in self.devices:
            await self._listen(device)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):  # those whose end has not been noticed yet
            connection.abort()
            await connection.wait_closed()

    async def _listen(self, device: SimulatedDevice) -> None:
        server = await asyncssh.create_server(
            lambda: _Server(device, self._connections), "127.0.0.1", device.port,
            server_host_keys=[self._key], process_factory=lambda process: _converse(device, process),
            encoding=None, line_editor=False, backlog=1000,
        )  # fmt: skip
        device.port = server.get_port()
        self._servers.append(server)


class _Server(asyncssh.SSHServer):
    def __init__(self, device: SimulatedDevice, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._device, self._connections = device, connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        manner = self._device.behaviour
        await asyncio.sleep(manner.login_delay)
        is_right = (username, password) == (manner.username, manner.password)
        self._device.logins += is_right
        self._device.refused += not is_right
        return is_right


async def _converse(device: SimulatedDevice, process: asyncssh.SSHServerProcess[bytes]) -> None:
    with suppress(asyncssh.BreakReceived, asyncssh.TerminalSizeChanged, OSError, asyncssh.Error):
        if process.command is not None:
            found = device.script.answer(f"{process.command}\n", 0)
            await _send(device, process, found[0] if found else "", str(process.command))
            process.exit(0 if found else 127)
            return
        await _Terminal(device, process).serve()
    process.close()


class _Terminal:
    """One login: lines are looked at one after the other, each character is echoed when its turn comes."""

    def __init__(self, device: SimulatedDevice, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._device, self._process = device, process
        self._at = 0
        self._pending = ""
        self._prompt = (device.script.greeting or "").rpartition("\n")[2]

    async def serve(self) -> None:
        await _send(self._device, self._process, self._device.script.greeting or "", "")
        while data := await self._process.stdin.read(4096):
            for character in data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"):
                self._pending += character
                if await self._is_over():
                    return

    async def _is_over(self) -> bool:
        """Answer what has been typed, if it is known; True at the end of the session."""
        typed = self._pending
        if typed.endswith("\n"):
            self._device.heard.append(typed.strip())
        found = self._device.script.answer(typed, self._at)
        if found is None:
            self._pending = "" if typed.endswith("\n") else typed
            await self._refuse(typed)
            return False
        answer, self._at = found
        self._pending, self._prompt = "", answer.rpartition("\n")[2]
        await _send(self._device, self._process, answer, typed.strip())
        manner = self._device.behaviour
        if manner.hangs_after == typed.strip():
            while await self._process.stdin.read(1024):
                pass  # until the other side has enough of it
            return True
        return typed.strip() in {"exit", "quit", "logout", manner.closes_after}

    async def _refuse(self, typed: str) -> None:
        """As real ones do: echo, refusal, prompt; nothing is wrong with an empty line."""
        refusal = self._device.behaviour.refusal
        if refusal is None or not typed.endswith("\n"):
            return
        said = f"{refusal}\n" if typed.strip() else ""
        await _send(self._device, self._process, f"{typed}{said}{self._prompt}", "")


async def _send(
    device: SimulatedDevice, process: asyncssh.SSHServerProcess[bytes], text: str, command: str
) -> None:
    manner = device.behaviour
    data = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    if command and command in {manner.hangs_after, manner.closes_after}:
        data = data[: len(data) // 2]
    if command and manner.answer_delay and manner.slow_command in {None, command}:
        await asyncio.sleep(manner.answer_delay)
    size = max(manner.smallest_piece, -(-len(data) // manner.pieces)) if manner.pieces > 1 else CHUNK
    for at in range(0, len(data), size):
        process.stdout.write(data[at : at + size])
        if manner.piece_delay:
            await asyncio.sleep(manner.piece_delay)
    await process.stdout.drain()
