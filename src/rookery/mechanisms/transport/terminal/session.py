"""A device at the other end of a channel: its commands answered, each phase within its time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

import msgspec

from rookery.base.redact import redact_text
from rookery.mechanisms.transport.terminal.conversation import Conversation, Login
from rookery.mechanisms.transport.terminal.dialect import Dialect
from rookery.mechanisms.transport.terminal.errors import (
    CommandRejected,
    DeviceHungUp,
    DeviceTimedOut,
)

QUIET = 0.3
"""Seconds of silence after which what looks like a prompt is one."""
REJECTION_LINES = 4
"""Lines from the beginning of an answer in which a rejection stands."""
LEAVE_SECONDS = 0.5


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that each phase may take; `command` also as long as nothing comes, `total` for one answer."""

    connect: float = 15.0
    login: float = 30.0
    command: float = 30.0
    total: float = 600.0


class Channel(Protocol):
    """Bytes to and from a device."""

    async def read(self) -> bytes:
        """What has come, at least a byte; b"" when the other side has closed it."""
        ...

    def write(self, data: bytes) -> None:
        """Send, without waiting."""
        ...

    async def run(self, command: str) -> bytes:
        """All that a command prints, on a channel of its own. Raises DeviceHungUp where there is none."""
        ...

    async def close(self) -> None:
        """Close it, and what it runs through."""
        ...


class AnySession(Protocol):
    """A login on a device, whoever talks to it: `open` it, `ask` it, `close` it."""

    @property
    def prompt(self) -> str:
        """What the device last showed as its prompt, if that is known."""
        ...

    @property
    def tail(self) -> str:
        """The last that came, if that is known."""
        ...

    async def open(self) -> None:
        """Log in, get privileges, say what is to be said first."""
        ...

    async def log_in(self) -> None:
        """Log in, and wait for the first prompt."""
        ...

    async def enable(self) -> None:
        """Get privileges, where there are any to be got."""
        ...

    async def ask(self, command: str) -> str:
        """What the device answers to a command."""
        ...

    async def close(self) -> None:
        """Say good-bye and close."""
        ...


class Session:
    """A login on a device. `open` it, `ask` it, `close` it; or talk on its `channel` by yourself."""

    def __init__(self, channel: Channel, dialect: Dialect, login: Login, patience: Patience) -> None:
        self.channel, self.login = channel, login
        self._dialect, self._patience = dialect, patience
        self._talk = Conversation(dialect, login)

    @property
    def tail(self) -> str:
        """The last that came, from the beginning of a line; empty on an exec channel."""
        return self._talk.tail()

    @property
    def prompt(self) -> str:
        """What the device last showed as its prompt; empty on an exec channel."""
        return self._talk.prompt

    async def open(self) -> None:
        """Log in, get privileges, say what is to be said first. Raises what DeviceError's tree says."""
        await self.log_in()
        await self.enable()
        for command in self._dialect.setup if self._dialect.channel == "shell" else ():
            await self.ask(command)

    async def log_in(self) -> None:
        """Wait for the first prompt, and answer what is asked before it."""
        if self._dialect.channel == "shell":
            self._talk.open()
            await self._hear("login", self._patience.login)

    async def enable(self) -> None:
        """Get privileges, where there are any to be got."""
        if self._dialect.channel == "shell":
            self._send(self._talk.enable())
            await self._hear("enable", self._patience.login)

    async def ask(self, command: str) -> str:
        """What the device answers to a command. Raises CommandRejected, and what `open` raises."""
        if self._dialect.channel == "exec":
            said = await self._run(command)
        else:
            self._send(self._talk.ask(command))
            await self._hear(command, self._patience.total)
            said = self._talk.said()
        refuse_rejection(self._dialect, command, said)
        return said

    async def close(self) -> None:
        """Say good-bye and close. Raises nothing that is about the device."""
        with suppress(OSError, TimeoutError, DeviceHungUp):
            if self._dialect.channel == "shell" and self._dialect.leave and self._talk.prompt:
                self.channel.write((self._dialect.leave + self._dialect.newline).encode())
        await self.channel.close()

    def _send(self, data: bytes) -> None:
        if data:
            self.channel.write(data)

    async def _run(self, command: str) -> str:
        try:
            async with asyncio.timeout(self._patience.total):
                raw = await self.channel.run(command)
        except TimeoutError:
            raise DeviceTimedOut(_too_slow(command, self._patience.total)) from None
        return raw.decode("utf-8", "replace").replace("\r\n", "\n")

    async def _hear(self, phase: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._listen(phase)
        except TimeoutError:
            raise self._overdue(phase, seconds) from None

    async def _listen(self, phase: str) -> None:
        talk = self._talk
        while not talk.is_done:
            data = await self._read(phase)
            if data is None:
                talk.hush()
            elif not data:
                raise DeviceHungUp(f"{DeviceHungUp.__doc__} That was after {phase!r}.{talk.parting()}")
            else:
                self._send(talk.hear(data))

    async def _read(self, phase: str) -> bytes | None:
        """What comes; None when a doubtful prompt is followed by silence."""
        seconds = QUIET if self._talk.is_doubtful else self._patience.command
        try:
            async with asyncio.timeout(seconds):
                return await self.channel.read()
        except TimeoutError:
            if self._talk.is_doubtful:
                return None
            raise self._silent(phase, seconds) from None

    def _overdue(self, phase: str, seconds: float) -> Exception:
        """Of one that was silent that has been said before, where there was time for it."""
        if seconds <= self._patience.command:
            return self._silent(phase, seconds)
        return DeviceTimedOut(
            f"It still talks {seconds:g} s after {phase!r}: give it more time, or check its prompt."
        )

    def _silent(self, phase: str, seconds: float) -> Exception:
        """Where a line stands that nobody knows for a prompt, that is why nothing comes."""
        if self._talk.last_line().strip():
            return self._talk.unrecognised()
        return DeviceTimedOut(_too_slow(phase, seconds))


def refuse_rejection(dialect: Dialect, command: str, said: str) -> None:
    """Raise CommandRejected where an answer is none."""
    rejections = dialect.rejections
    if rejections is None:
        return
    for line in said.lstrip("\n").split("\n", REJECTION_LINES)[:REJECTION_LINES]:
        if rejections.search(line):
            raise CommandRejected(
                f"{command!r}: {redact_text(line.strip())[:160]}. {CommandRejected.__doc__}"
            )


def _too_slow(phase: str, seconds: float) -> str:
    return f"Nothing in {seconds:g} s after {phase!r}. {DeviceTimedOut.__doc__}"
