"""Reading HTTP/1.x responses from bytes as they come, with a bound on everything a server can make long.

Sans-IO: who owns the connection feeds it. A response is parsed by a generator that rests wherever bytes are
missing, so that the one that arrives whole, as most do, is read in a single go."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from typing import NamedTuple

from rookery.mechanisms.engine import Response
from rookery.mechanisms.transport.errors import BadResponse, ConnectionLost, ResponseTooLarge

LARGEST_HEAD = 256 << 10  # bytes of status line and headers
MOST_HEADERS = 1000
LONGEST_CHUNK_LINE = 4096
SHORT_REST = 64 << 10  # bytes
MOST_INTERIM = 10  # 1xx responses before the real one

STATUS_LINE = re.compile(r"HTTP/(\d\.\d) (\d{3})(?: ?([^\r\n]*))?", re.ASCII)
HEADER = re.compile(r"^([^\s:][^:\n]*):([^\n]*)", re.MULTILINE)
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")
FRAMING = frozenset(("connection", "content-encoding", "content-length", "transfer-encoding"))


class Head(NamedTuple):
    """Status line and headers; text holds a character per byte. `framing` are the headers this side reads."""

    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    framing: dict[str, list[str]]

    def values(self, name: str) -> list[str]:
        """The values of one of the FRAMING headers."""
        return self.framing.get(name, [])

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
    text = data.decode("latin-1")
    first, _, rest = text.partition("\n")
    match = STATUS_LINE.fullmatch(first.rstrip("\r"))
    if match is None:
        raise BadResponse(f"the answer is not HTTP: it begins with {_beginning(data)!r}")
    if rest.count("\n") >= MOST_HEADERS:
        raise ResponseTooLarge(f"the answer has more than {MOST_HEADERS:,} headers")
    headers = tuple([(name.strip(), value.strip()) for name, value in HEADER.findall(rest)])
    framing: dict[str, list[str]] = {}
    for name, value in headers:
        if (lower := name.lower()) in FRAMING:
            framing.setdefault(lower, []).append(value)
    return Head(match[1], int(match[2]), match[3] or "", headers, framing)


def _end_of_head(data: bytearray, start: int) -> tuple[int, int] | None:
    """Where the first blank line begins and ends, its line breaks with or without a carriage return."""
    bare, usual = data.find(b"\n\n", start), data.find(b"\n\r\n", start)
    if usual < 0 <= bare or 0 <= bare < usual:
        return bare - data.startswith(b"\r", max(bare - 1, 0)), bare + 2
    return None if usual < 0 else (usual - data.startswith(b"\r", max(usual - 1, 0)), usual + 3)


def _beginning(data: bytes) -> bytes:
    return data.partition(b"\n")[0][:40]


class ResponseReader:
    """Reads the responses of one connection. `dirty` tells that it must not carry another request, `taken`
    how many bytes came since the last `begin`."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = self._at_end = False
        self._parsing: Generator[None, None, Response] | None = None
        self._started = 0.0
        self.taken = 0
        self.dirty = False
        self.address = ""  # where the responses come from

    def begin(self, method: str, most: int) -> Response | None:
        """Expect the response to a request that is sent now, its body at most `most` bytes.

        The response when it is already there, None when more has to be fed; so does `feed`.
        """
        self.taken = 0
        self._started = time.perf_counter()
        self.dirty = True
        self._parsing = self._response(method, most)
        return self._advance() if self._buffer or self._ended else None

    def feed(self, data: bytes) -> Response | None:
        """Take what came; no bytes mean that the connection ended.

        BadResponse, ConnectionLost or ResponseTooLarge when that is no response. What nobody waits for makes
        the connection dirty: it must never begin the next response.
        """
        self.dirty = self.dirty or self._parsing is None
        self._buffer += data
        self._ended = self._ended or not data
        self.taken += len(data)
        return self._advance()

    def _advance(self) -> Response | None:
        if self._parsing is not None:
            try:
                next(self._parsing)
            except StopIteration as finished:
                self._parsing = None
                response: Response = finished.value
                return response
        return None

    def _response(self, method: str, most: int) -> Generator[None, None, Response]:
        head = yield from self._final_head()
        self._at_end = False
        data, complete = yield from self._body(head, method, most)
        self.dirty = not ((complete or self._at_end) and head.keeps_alive) or bool(self._buffer)
        return Response(
            head.status,
            head.reason,
            head.headers,
            data,
            duration=time.perf_counter() - self._started,
            truncated=not complete,
            version=head.version,
            address=self.address,
        )

    def _final_head(self) -> Generator[None, None, Head]:
        for _ in range(MOST_INTERIM):
            head = parse_head((yield from self._head_bytes()))
            if head.status >= 200 or head.status == 101:
                return head
        raise BadResponse(f"more than {MOST_INTERIM} interim answers came before a real one")

    def _head_bytes(self) -> Generator[None, None, bytes]:
        searched = 0
        while (end := _end_of_head(self._buffer, searched)) is None:
            self._refuse_early(len(self._buffer))
            searched = max(len(self._buffer) - 3, 0)
            if self._ended:
                return self._head_at_end()
            yield
        if end[0] > LARGEST_HEAD:
            self._refuse_early(end[0])
        head = bytes(self._buffer[: end[0]])
        del self._buffer[: end[1]]
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

    def _body(self, head: Head, method: str, most: int) -> Generator[None, None, tuple[bytes, bool]]:
        """The body as transferred, and whether all of it was read."""
        if method == "HEAD" or head.status in (101, 204, 304):
            return b"", head.status != 101
        if head.is_chunked:
            return (yield from self._chunks(most))
        if (length := head.length) is not None:
            return (yield from self._measured(length, most))
        data = yield from self._up_to(most)
        return data, len(data) < most

    def _measured(self, length: int, most: int) -> Generator[None, None, tuple[bytes, bool]]:
        """A body of known length. A short rest beyond what is wanted is read and dropped: that costs less
        than another connection."""
        wanted = min(length, most)
        data = yield from self._up_to(length if length - wanted <= SHORT_REST else wanted)
        self._at_end = len(data) == length
        return data[:wanted], len(data) == length == wanted

    def _up_to(self, size: int) -> Generator[None, None, bytes]:
        """So many bytes, or fewer when the connection ends."""
        while len(self._buffer) < size and not self._ended:
            yield
        with memoryview(self._buffer) as view:  # a slice of the buffer itself would be one more copy
            data = bytes(view[:size])
        del self._buffer[:size]
        return data

    def _chunks(self, most: int) -> Generator[None, None, tuple[bytes, bool]]:
        body = bytearray()
        while (size := (yield from self._chunk_size())) > 0:
            data = yield from self._up_to(min(size, most - len(body)))
            body += data
            if len(data) < size:
                return bytes(body), False
            yield from self._line()
        return bytes(body), size == 0 and (yield from self._skip_trailers())

    def _chunk_size(self) -> Generator[None, None, int]:
        """The next chunk's size in bytes, -1 when the connection ends instead."""
        line = yield from self._line()
        if line is None:
            return -1
        digits = line.partition(b";")[0].strip()
        if not CHUNK_SIZE.fullmatch(digits):
            raise BadResponse(f"a chunk begins with {bytes(line[:20])!r}, which is no size")
        return int(digits, 16)

    def _skip_trailers(self) -> Generator[None, None, bool]:
        for _ in range(MOST_HEADERS):
            line = yield from self._line()
            if not line:
                return line is not None
        return False

    def _line(self) -> Generator[None, None, bytes | None]:
        """The next line without its end, None when the connection ends first."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_CHUNK_LINE:
                raise BadResponse("a chunk's size line does not end")
            if self._ended:
                return None
            yield
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line
