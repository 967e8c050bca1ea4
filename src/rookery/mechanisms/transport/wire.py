"""Reading one HTTP/1.x response from a stream, with a bound on everything a server can make long."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from rookery.mechanisms.engine import Response
from rookery.mechanisms.transport.body import decode_body
from rookery.mechanisms.transport.errors import BadResponse, ConnectionLost, ResponseTooLarge

LARGEST_HEAD = 256 << 10  # bytes of status line and headers
MOST_HEADERS = 1000
LONGEST_CHUNK_LINE = 4096
MOST_INTERIM = 10  # 1xx responses before the real one
PIECE = 64 << 10
SMALL_BODY = 1 << 20  # bytes; of larger ones only a few are read at a time

STATUS_LINE = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: ?([^\r\n]*))?")
END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; text holds a character per byte."""

    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """The values of a header, by its lower-case name."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return any("chunked" in value.lower() for value in self.values("transfer-encoding"))

    @property
    def length(self) -> int | None:
        """The declared length, None when there is no usable one."""
        declared = self.values("content-length")
        usable = declared and declared[0].isascii() and declared[0].isdigit() and len(declared[0]) < 19
        return int(declared[0]) if usable else None

    @property
    def keeps_alive(self) -> bool:
        """Whether the server will take another request on this connection."""
        words = ",".join(self.values("connection")).lower()
        return "close" not in words and (self.version == "1.1" or "keep-alive" in words)


def parse_head(data: bytes) -> Head:
    """Status line and headers from the bytes before the blank line; BadResponse when they are none."""
    first, *lines = data.split(b"\n")
    match = STATUS_LINE.fullmatch(first.rstrip(b"\r"))
    if match is None:
        raise BadResponse(f"the answer is not HTTP: it begins with {first[:40]!r}")
    if len(lines) > MOST_HEADERS:
        raise ResponseTooLarge(f"the answer has more than {MOST_HEADERS:,} headers")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, separator, value = line.rstrip(b"\r").decode("latin-1").partition(":")
        if separator and name and not name[0].isspace():
            headers.append((name.strip(), value.strip()))
    return Head(match[1].decode(), int(match[2]), (match[3] or b"").decode("latin-1"), tuple(headers))


class ResponseReader:
    """Reads responses from one connection. `dirty` tells that it must not carry another request."""

    def __init__(self, reader: asyncio.StreamReader, large: asyncio.Semaphore) -> None:
        self._reader = reader
        self._large = large
        self._holds_large = False
        self._taken = 0  # bytes since the last request
        self._buffer = bytearray()
        self._ended = False
        self.dirty = False

    async def read(self, method: str, most: int) -> Response:
        """The next response, its body at most `most` bytes. `duration` is not filled in.

        A body beyond SMALL_BODY waits for its turn, so that hostile servers together take bounded memory.
        """
        self._taken = 0
        try:
            return await self._response(method, most)
        finally:
            if self._holds_large:
                self._holds_large = False
                self._large.release()

    async def _response(self, method: str, most: int) -> Response:
        self.dirty = True
        head = await self._final_head()
        data, complete = await self._body(head, method, most)
        body, cut = (
            decode_body(data, ",".join(head.values("content-encoding")), most) if data else (data, False)
        )
        self.dirty = not (complete and head.keeps_alive) or bool(self._buffer)
        return Response(
            head.status, head.reason, head.headers, body, truncated=cut or not complete, version=head.version
        )

    async def _final_head(self) -> Head:
        for _ in range(MOST_INTERIM):
            head = parse_head(await self._head_bytes())
            if head.status >= 200 or head.status == 101:
                return head
        raise BadResponse(f"more than {MOST_INTERIM} interim answers came before a real one")

    async def _head_bytes(self) -> bytes:
        searched = 0
        while (end := END_OF_HEAD.search(self._buffer, searched)) is None:
            self._refuse_early(len(self._buffer))
            searched = max(len(self._buffer) - 3, 0)
            if not await self._fill():
                return self._head_at_end()
        if end.start() > LARGEST_HEAD:
            self._refuse_early(end.start())
        head = bytes(self._buffer[: end.start()])
        del self._buffer[: end.end()]
        return head

    def _refuse_early(self, size: int) -> None:
        if size > LARGEST_HEAD:
            raise ResponseTooLarge(f"the answer's headers are longer than {LARGEST_HEAD >> 10} KiB")
        if size >= 5 and not self._buffer.startswith(b"HTTP/"):
            raise BadResponse(f"the answer is not HTTP: it begins with {bytes(self._buffer[:40])!r}")

    def _head_at_end(self) -> bytes:
        if not self._buffer:
            raise ConnectionLost("the connection closed before an answer came")
        head = bytes(self._buffer)
        self._buffer.clear()
        return head.rstrip(b"\r\n")

    async def _fill(self) -> bool:
        """Read more; whether there was more."""
        if self._taken > SMALL_BODY and not self._holds_large:
            await self._large.acquire()
            self._holds_large = True
        piece = b"" if self._ended else await self._reader.read(PIECE)
        self._ended = not piece
        self._taken += len(piece)
        self._buffer += piece
        return bool(piece)

    async def _body(self, head: Head, method: str, most: int) -> tuple[bytes, bool]:
        """The body as transferred, and whether all of it was read."""
        if method == "HEAD" or head.status in (101, 204, 304):
            return b"", head.status != 101
        if head.is_chunked:
            return await self._chunks(most)
        if head.length is not None:
            data = await self._up_to(min(head.length, most))
            return data, len(data) == head.length
        data = await self._up_to(most)
        return data, len(data) < most

    async def _up_to(self, size: int) -> bytes:
        """So many bytes, or fewer when the connection ends."""
        while len(self._buffer) < size and await self._fill():
            pass
        with memoryview(self._buffer) as view:  # a slice of the buffer itself would be one more copy
            data = bytes(view[:size])
        del self._buffer[:size]
        return data

    async def _chunks(self, most: int) -> tuple[bytes, bool]:
        body = bytearray()
        while (size := await self._chunk_size()) > 0:
            data = await self._up_to(min(size, most - len(body)))
            body += data
            if len(data) < size:
                return bytes(body), False
            await self._line()
        return bytes(body), size == 0 and await self._skip_trailers()

    async def _chunk_size(self) -> int:
        """The next chunk's size in bytes, -1 when the connection ended instead."""
        line = await self._line()
        if line is None:
            return -1
        digits = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", digits):
            raise BadResponse(f"a chunk begins with {bytes(line[:20])!r}, which is no size")
        return int(digits, 16)

    async def _skip_trailers(self) -> bool:
        for _ in range(MOST_HEADERS):
            line = await self._line()
            if not line:
                return line is not None
        return False

    async def _line(self) -> bytes | None:
        """The next line without its end, None when the connection ended first."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_CHUNK_LINE:
                raise BadResponse("a chunk's size line does not end")
            if not await self._fill():
                return None
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line
