"""A small, deliberately weak web server. It listens on loopback and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from types import TracebackType
from typing import NamedTuple, Self

from rookery.demo.pages import HOME, NOT_FOUND, PAGES, SCHEMA, SERVER, Page

LONGEST_HEAD = 16 << 10
LONGEST_BODY = 1 << 20
IDLE_SECONDS = 30.0


class Asked(NamedTuple):
    """One request, as far as the demo needs to know it. `head` is its text up to the blank line."""

    method: str
    path: str
    headers: dict[str, str]
    head: str


class WeakServer:
    """`async with WeakServer() as server:` serves PAGES at `server.url`, over TLS when given a context.

    `requests` counts what was asked for, by method and path.
    """

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._wanted_port, self._tls = port, tls
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self.requests: Counter[str] = Counter()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._wanted_port, ssl=self._tls, limit=LONGEST_HEAD
        )
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        serving = list(self._connections.values())
        for writer in list(self._connections):
            writer.transport.abort()
        await asyncio.gather(*serving)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- asyncio runs every connection in a task of its own
        self._connections[writer] = task
        try:
            while (asked := await _read_request(reader)) is not None:
                self.requests[f"{asked.method} {asked.path}"] += 1
                writer.write(_encoded(_answer(asked), asked))
                await writer.drain()
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass  # a client that went away or talks nonsense is none of the demo's business
        finally:
            del self._connections[writer]
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    async with asyncio.timeout(IDLE_SECONDS):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        await reader.readexactly(min(int(headers.get("content-length", "0")), LONGEST_BODY))
        return Asked(method, target.partition("?")[0], headers, head)


def _answer(asked: Asked) -> Page:
    if asked.method == "TRACE":
        return Page(asked.head.encode("latin-1"), "message/http")
    if asked.method == "POST":
        return SCHEMA if asked.path == "/graphql" else NOT_FOUND
    if asked.path == "/" and "origin" in asked.headers:
        return _shared_with(asked.headers["origin"])
    return PAGES.get(asked.path, NOT_FOUND)


def _shared_with(origin: str) -> Page:
    """The home page, readable by whatever origin asks."""
    allowed = (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"))
    return Page(HOME.body, HOME.kind, HOME.status, HOME.headers + allowed)


def _encoded(page: Page, asked: Asked) -> bytes:
    headers = (
        ("Server", SERVER),
        ("Content-Type", page.kind),
        ("Content-Length", str(len(page.body))),
        *page.headers,
    )
    lines = [f"HTTP/1.1 {page.status} {'OK' if page.status == 200 else 'Error'}"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers), "\r\n"])
    return head.encode("latin-1") + (b"" if asked.method == "HEAD" else page.body)
