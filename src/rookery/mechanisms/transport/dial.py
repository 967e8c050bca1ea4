"""Dialling: resolve, ask for permission for each address, connect, and do the TLS handshake.

Permission is asked here and nowhere earlier, with the very address that is dialled next: neither a redirect,
nor a Host header, nor a name whose answer changed since the last look-up gets around it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rookery.mechanisms.transport.errors import HostUnreachable, OutOfScope, TlsFailed, UnknownHost
from rookery.mechanisms.transport.ports import Allow

T = TypeVar("T")
ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

SIMPLER_WORDS = {
    ConnectionRefusedError: "the connection was refused",
    ConnectionResetError: "the connection was reset",
    TimeoutError: "there was no answer",
}


def lenient_tls() -> ssl.SSLContext:
    """A context that talks to any server, however old or wrongly certified: a scan does not trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= 0x4  # SSL_OP_LEGACY_SERVER_CONNECT; ssl names it only from Python 3.12 on
    return context


class Dialler:
    """Opens connections to where `allow` lets it."""

    def __init__(self, allow: Allow, tls: ssl.SSLContext) -> None:
        self._allow, self._tls = allow, tls

    async def dial(self, host: str, port: int, *, tls: bool) -> Streams:
        """A connection to the first address that takes it, as streams.

        UnknownHost, OutOfScope, HostUnreachable or TlsFailed, when there is none.
        """
        return await self._first(host, port, asyncio.open_connection, tls=tls)

    async def connect(
        self, host: str, port: int, protocol: Callable[[], ProtocolT], *, tls: bool, server_name: str = ""
    ) -> ProtocolT:
        """The same for an asyncio protocol, which is returned connected. `server_name` is asked for in the
        TLS handshake instead of the host."""
        loop = asyncio.get_running_loop()

        async def open_(address: str, port: int, **tls_options: Any) -> ProtocolT:
            return (await loop.create_connection(protocol, address, port, **tls_options))[1]

        return await self._first(host, port, open_, tls=tls, server_name=server_name)

    async def _first(
        self,
        host: str,
        port: int,
        open_: Callable[..., Awaitable[T]],
        *,
        tls: bool,
        server_name: str = "",
    ) -> T:
        addresses = await _resolve(host, port)
        allowed = [address for address in addresses if self._allow(host, address, port)]
        if not allowed:
            raise OutOfScope(f"{_place(host, port)} ({', '.join(addresses[:4])}) is not in the scope")
        name = (server_name or host) if tls else ""
        for address in allowed[:-1]:
            try:
                return await self._open(open_, host, address, port, name)
            except HostUnreachable:
                continue
        return await self._open(open_, host, allowed[-1], port, name)

    async def _open(
        self, open_: Callable[..., Awaitable[T]], host: str, address: str, port: int, tls_name: str
    ) -> T:
        """A connection to one address, with TLS when there is a name for its handshake."""
        place = _place(host, port)
        try:
            if tls_name:
                return await open_(address, port, ssl=self._tls, server_hostname=tls_name)
            return await open_(address, port)
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).replace("_", " ").lower()
            raise TlsFailed(f"{place}: the TLS handshake failed: {reason}") from None
        except (OSError, ValueError) as error:
            if tls_name and isinstance(error, ConnectionResetError):
                raise TlsFailed(f"{place}: the connection closed during the TLS handshake") from None
            raise HostUnreachable(f"{place}: {_words(error)}") from None


async def _resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the resolver's order; an address is its own answer."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnknownHost(f"{_place(host, port)}: the name cannot be resolved") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _words(error: Exception) -> str:
    words = next((text for kind, text in SIMPLER_WORDS.items() if isinstance(error, kind)), None)
    return words or (error.strerror if isinstance(error, OSError) and error.strerror else str(error))
