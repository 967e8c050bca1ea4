"""Small honest servers on free loopback ports: TCP, TLS, DNS and HTTP. Each remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import trustme

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Page = str | Callable[[str, str, str], str]  # from path, Cookie header and body


@dataclass(slots=True)
class Served:
    """A server that runs: its port, and what it was asked, in order."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """As an HTTP server's URL."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def tcp_server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    """A server that lets `handler` have each connection, and closes it then."""
    served, tasks = Served(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        served.connections += 1
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await handler(reader, writer)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@contextlib.asynccontextmanager
async def http_server(
    pages: Mapping[str, Page], *, cookies: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Served]:
    """A server of pages by path; every other path is 404. `cookies` are set by path."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            body = (await reader.readexactly(int(lines.get("content-length", "0")))).decode()
            target = head.split(" ")[1]
            path = target.partition("?")[0]
            server.asked.append(target)
            page = pages.get(path)
            text = page(target, lines.get("cookie", ""), body) if callable(page) else page or ""
            cookie = f"Set-Cookie: {cookies[path]}\r\n" if cookies and path in cookies else ""
            status = "404 Not Found" if page is None else "200 OK"
            writer.write(
                f"HTTP/1.1 {status}\r\n{cookie}Content-Length: {len(text.encode())}\r\n\r\n{text}".encode()
            )

    async with tcp_server(handle, tls) as server:
        yield server


def tls_context(*names: str, subject: str | None = None, common_name: str | None = None) -> ssl.SSLContext:
    """A server's context with a fresh certificate for these names."""
    authority = trustme.CA()
    certificate = authority.issue_cert(*names, organization_name=subject, common_name=common_name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def dns_server(zone: Mapping[tuple[str, str], list[str]]) -> AsyncIterator[Served]:
    """A name server over UDP for records by name and type; a name it does not have is NXDOMAIN.

    The zone is looked at anew for each question; what it has as a name's RCODE is all that is said of it."""
    served = Served()

    class Answers(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            served.asked.append(question_of(data))
            self.transport.sendto(answer_from(zone, data), addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Answers, local_addr=("127.0.0.1", 0))
    served.port = transport.get_extra_info("sockname")[1]
    try:
        yield served
    finally:
        transport.close()


def question_of(data: bytes) -> str:
    """Name and type that a DNS message asks about."""
    question = dns.message.from_wire(data).question[0]
    return f"{question.name.to_text()} {dns.rdatatype.to_text(question.rdtype)}"


def answer_from(zone: Mapping[tuple[str, str], list[str]], data: bytes) -> bytes:
    """The answer to a DNS message out of a zone, as `dns_server` gives it."""
    query = dns.message.from_wire(data)
    name, kind = question_of(data).split()
    reply = dns.message.make_response(query, recursion_available=True)
    if not any(known == name for known, _ in zone):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    if (name, "RCODE") in zone:
        reply.set_rcode(dns.rcode.from_text(zone[name, "RCODE"][0]))
    elif (name, kind) in zone:
        reply.answer.append(dns.rrset.from_text(name, 300, "IN", kind, *zone[name, kind]))
    elif (name, "CNAME") in zone:
        reply.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", *zone[name, "CNAME"]))
    return reply.to_wire()
