"""Any bytes at all from a server: a response, or one of the transport's own errors."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import Response
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


def read(pieces: list[bytes], method: str) -> Response | str:
    """What is read from bytes that come in such pieces, before the connection ends."""
    responses = ResponseReader()
    try:
        response = responses.begin(method, 1000)
        for piece in [*filter(None, pieces), b""]:
            response = response or responses.feed(piece)
    except TransportError as error:
        return str(error).partition(" it begins with ")[0]  # how much of it depends on when it was seen
    assert response is not None
    assert len(response.body) <= 1000
    assert 101 <= response.status <= 999
    return replace(response, duration=0.0)


@given(st.one_of(st.binary(max_size=300), ALMOST), st.sampled_from(["GET", "HEAD"]))
def test_any_bytes_are_a_response_or_an_error(data: bytes, method: str) -> None:
    read([data], method)


@given(ALMOST, st.integers(1, 40))
def test_a_response_is_the_same_however_it_is_cut_up(data: bytes, size: int) -> None:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert read(pieces, "GET") == read([data], "GET")


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "gzip, deflate", "br", "", ",,,,,gzip"]))
def test_any_body_can_be_decoded_within_its_bound(data: bytes, coding: str) -> None:
    body, _ = decode_body(data, coding, 1000)
    assert len(body) <= 1000 or body == data
