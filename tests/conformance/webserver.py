"""A web server on loopback for one case: its answers are a function, and it remembers what it was asked."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import trustme

LONGEST_SILENCE = 30.0  # seconds after which a connection that says nothing is given up


@dataclass(frozen=True)
class Asked:
    """One request as it came. `server_name` is what the TLS handshake asked for."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    head: bytes
    server_name: str = ""

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, list[str]]:
        """The parameters of the body."""
        return parse_qs(self.body.decode("latin-1"), keep_blank_values=True)

    def header(self, name: str) -> str:
        """The first value of a header, empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Reply:
    """One response. Content-Length is added unless a header of that name is given; `raw` is sent instead of
    all else; `close` ends the connection after it."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    close: bool = False

    @property
    def wire(self) -> bytes:
        """As sent."""
        if self.raw:
            return self.raw
        body = self.body.encode() if isinstance(self.body, str) else self.body
        headers = {"Content-Length": str(len(body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} -", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


Handler = Callable[[Asked], Reply]


def redirect(location: str, status: int = 302, **headers: str) -> Reply:
    """A redirect."""
    return Reply(status=status, headers={"Location": location, **headers})


def pages(table: Mapping[str, str | Reply]) -> Handler:
    """A handler with an answer for each path, and 404 for all others."""

    def handle(asked: Asked) -> Reply:
        page = table.get(asked.path)
        if page is None:
            return Reply("not found", 404)
        return page if isinstance(page, Reply) else Reply(page)

    return handle


class _Connection(socketserver.StreamRequestHandler):
    server: WebServer
    timeout = LONGEST_SILENCE

    def setup(self) -> None:
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        while (head := self._head()) is not None:
            asked = self._asked(head)
            self.server.asked.append(asked)
            reply = self.server.answer(asked)
            self.wfile.write(reply.wire)
            self.wfile.flush()
            if reply.close:
                break

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _head(self) -> bytes | None:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b"\r\n", b"\n"):
            if not line:
                return None
            lines.append(line)
        return b"".join(lines)

    def _asked(self, head: bytes) -> Asked:
        first, *lines = head.decode("latin-1").splitlines()
        method, *words = first.split(" ")
        pairs = [line.partition(":") for line in lines]
        headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        name = getattr(self.request, "asked_name", "")
        return Asked(method, words[0] if words else "", headers, self.rfile.read(length), head, name)


class WebServer(socketserver.ThreadingTCPServer):
    """Runs while its `with` block does."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answer: Handler, *, tls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answer = answer
        self.asked: list[Asked] = []
        self.context = _context() if tls else None
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no error of the case."""


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1", "test").configure_cert(context)

    def remember(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.asked_name = name or ""  # type: ignore[union-attr]

    context.sni_callback = remember
    return context
