"""A web site for benchmarks, in a process of its own: an index of 54 kB, and 404 with 5 kB for the rest.

`GET /-/count` says how many requests came before it, and begins to count anew."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

LINE = b"<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.</p>\n"
INDEX = (b"<!DOCTYPE html><html><head><title>A site</title></head><body>\n" + LINE * 700)[: 54 << 10]
MISSING = (b"<html><head><title>404 Not Found</title></head><body>\n" + LINE * 70)[: 5 << 10]
END = b"\r\n\r\n"
LAST_CHUNK = b"0" + END


def response(status: bytes, body: bytes) -> bytes:
    """A whole response, as nginx would write it."""
    return (
        b"HTTP/1.1 %s\r\nServer: nginx/1.18.0\r\nDate: Tue, 25 Nov 2025 10:00:00 GMT\r\n"
        b"Content-Type: text/html; charset=UTF-8\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
        b"X-Powered-By: a benchmark\r\n\r\n%s" % (status, len(body), body)
    )


FOUND, NOT_FOUND = response(b"200 OK", INDEX), response(b"404 Not Found", MISSING)


class Site(asyncio.Protocol):
    """One connection. All of them count together."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came; each whole request is answered."""
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            head, body = self._buffer[:end], self._buffer[end + len(END) :]
            size = _body_size(head.lower(), body)
            if size is None or len(body) < size:
                return
            self._buffer = body[size:]
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        target = [*head.split(b" ", 2), b""][1]
        if target == b"/-/count":
            counted, Site.count = Site.count, 0
            return response(b"200 OK", b"%d" % counted)
        Site.count += 1
        answer = FOUND if target.partition(b"?")[0] == b"/" else NOT_FOUND
        return answer.partition(END)[0] + END if head.startswith(b"HEAD") else answer


def _body_size(head: bytes, body: bytes) -> int | None:
    """How long the body is; None while its last chunk has not come."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            end = 0 if body.startswith(LAST_CHUNK) else body.find(b"\r\n" + LAST_CHUNK) + 2
            return end + len(LAST_CHUNK) if end != 1 else None
    return 0


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The URL of a site in a process of its own."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def serve() -> None:
    """Say where, and serve until the process ends."""
    server = await asyncio.get_running_loop().create_server(Site, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(serve())
