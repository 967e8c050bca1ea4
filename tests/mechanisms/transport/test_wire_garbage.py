"""Any bytes at all from a server: a response, or one of the transport's own errors."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.transport import TransportError
from rookery.mechanisms.transport.body import decode_body
from rookery.mechanisms.transport.wire import ResponseReader

PIECES = (
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 302 Found\n",
    b"\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"5\r\nhello\r\n",
    b"ffffff\r\n",
    b"0\r\n\r\n",
    b"\x1f\x8b\x08",
    b"\x00: ",
)
ALMOST = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


def read(data: bytes, method: str) -> None:
    async def work() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        responses = ResponseReader(reader, asyncio.Semaphore(1))
        with contextlib.suppress(TransportError):
            response = await responses.read(method, 1000)
            assert len(response.body) <= 1000
            assert 101 <= response.status <= 999

    with asyncio.Runner() as runner:
        runner.run(work())


@given(st.one_of(st.binary(max_size=300), ALMOST), st.sampled_from(["GET", "HEAD"]))
def test_any_bytes_are_a_response_or_an_error(data: bytes, method: str) -> None:
    read(data, method)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "gzip, deflate", "br", "", ",,,,,gzip"]))
def test_any_body_can_be_decoded_within_its_bound(data: bytes, coding: str) -> None:
    body, _ = decode_body(data, coding, 1000)
    assert len(body) <= 1000 or body == data
