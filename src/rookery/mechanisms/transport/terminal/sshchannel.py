"""What a device says over SSH: in a shell, or to commands on channels of their own."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import asyncssh

from rookery.mechanisms.transport.terminal.errors import DeviceHungUp, DeviceTimedOut

TERMINAL_SIZE = (511, 0)
"""Columns and lines: no command is broken, and a length of 0 says that there are no pages."""


class SshChannel:
    """A device's shell, and its connection."""

    def __init__(
        self, connection: asyncssh.SSHClientConnection, jump: asyncssh.SSHClientConnection | None
    ) -> None:
        self._connection, self._jump = connection, jump
        self._shell: _Shell | None = None
        self._writer: asyncssh.SSHClientChannel[bytes] | None = None

    async def start_shell(self, seconds: float) -> None:
        """Have a shell, on a terminal. Raises DeviceHungUp, DeviceTimedOut."""
        try:
            async with asyncio.timeout(seconds):
                shell = _Shell()
                self._writer, _ = await self._connection.create_session(
                    lambda: shell, term_type="vt100", term_size=TERMINAL_SIZE, encoding=None
                )
                self._shell = shell
        except (TimeoutError, OSError, asyncssh.Error) as error:
            self._abort()
            if isinstance(error, TimeoutError):
                raise DeviceTimedOut(f"No shell in {seconds:g} s. {DeviceTimedOut.__doc__}") from None
            raise DeviceHungUp(f"It gives no shell: {error}.") from error

    async def read(self) -> bytes:
        """What has come."""
        if self._shell is None:
            raise DeviceHungUp("There is no shell.")
        return await self._shell.read()

    def write(self, data: bytes) -> None:
        """Send."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    async def run(self, command: str) -> bytes:
        """What a command prints."""
        try:
            done = await self._connection.run(command, encoding=None, check=False)
        except (OSError, asyncssh.Error) as error:
            raise DeviceHungUp(f"{command!r}: {error}. {DeviceHungUp.__doc__}") from error
        printed = done.stdout or b""
        return printed if isinstance(printed, bytes) else printed.encode()

    async def close(self) -> None:
        """Close the connection, and that of the jump host."""
        self._connection.close()
        if self._jump is not None:
            self._jump.close()

    def _abort(self) -> None:
        self._connection.abort()
        if self._jump is not None:
            self._jump.abort()


class _Shell(asyncssh.SSHClientSession[bytes]):
    """What a shell sends, until somebody reads it."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._is_over = False

    def data_received(self, data: bytes, datatype: Any) -> None:  # noqa: ARG002
        self._chunks.append(data)
        self._wake()

    def eof_received(self) -> bool:
        self._is_over = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def read(self) -> bytes:
        """All that has come since; b"" at the end."""
        while not self._chunks and not self._is_over:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data
