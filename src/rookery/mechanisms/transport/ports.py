"""What the rest of the house may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rookery.base.errors import RookeryError
from rookery.mechanisms.engine import (
    Answer,
    Answers,
    Ask,
    Burst,
    DnsAnswer,
    DnsAsk,
    FileAnswer,
    FileAsk,
    Request,
    RequestFailed,
    Response,
    TcpAnswer,
    TcpAsk,
    TlsAnswer,
    TlsAsk,
)
from rookery.mechanisms.transport.errors import NoPort

Allow = Callable[[str, str, int], bool]  # (host as asked for, address it led to, port) -> may it be dialled


class TcpPort(Protocol):
    """Has dialogues."""

    async def talk(self, ask: TcpAsk) -> TcpAnswer:
        """Have a dialogue. TransportError or OutOfScope, in one line, when it cannot be had."""
        ...


class DnsPort(Protocol):
    """Asks name servers."""

    async def ask(self, ask: DnsAsk) -> DnsAnswer:
        """The answer to a question. TransportError or OutOfScope, in one line, when there is none."""
        ...


class TlsPort(Protocol):
    """Does TLS handshakes."""

    async def shake(self, ask: TlsAsk) -> TlsAnswer:
        """What was agreed on. TransportError or OutOfScope, in one line, when nothing was."""
        ...


class FilePort(Protocol):
    """Reads files, or texts that are kept elsewhere."""

    async def read(self, ask: FileAsk) -> FileAnswer:
        """The beginning of a file. OutOfScope or FileUnreadable, in one line, when it cannot be read."""
        ...


class HttpPort(Protocol):
    """Sends one request and gives its response."""

    async def send(self, request: Request) -> Response:
        """The response, its body bounded. TransportError or OutOfScope, in one line, when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """A port per protocol; an ask goes to the one of its type. Without it, the ask fails."""

    http: HttpPort
    tcp: TcpPort | None = None
    dns: DnsPort | None = None
    tls: TlsPort | None = None
    files: FilePort | None = None

    async def answer(self, ask: Ask) -> Answers:
        """The answer to an ask, or why there is none; only bugs raise."""
        if isinstance(ask, Burst):
            return tuple(await asyncio.gather(*(self._one(request) for request in ask.requests)))
        return await self._one(ask)

    async def _one(self, ask: Ask) -> Answer:
        try:
            return await self._answered(ask)
        except RookeryError as error:
            return RequestFailed(error)

    async def _answered(self, ask: Ask) -> Answer:
        match ask:
            case Request():
                if ask.pause:
                    await asyncio.sleep(ask.pause)
                return await self.http.send(ask)
            case TcpAsk() if self.tcp is not None:
                return await self.tcp.talk(ask)
            case DnsAsk() if self.dns is not None:
                return await self.dns.ask(ask)
            case TlsAsk() if self.tls is not None:
                return await self.tls.shake(ask)
            case FileAsk() if self.files is not None:
                return await self.files.read(ask)
            case _:
                raise NoPort(f"there is nothing here that answers a {type(ask).__name__}")
