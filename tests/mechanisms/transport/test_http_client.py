"""The client against real servers, good and hostile: a failure is one clear line, all is bounded."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest
import trustme

from rookery.base.errors import Closed, RookeryError
from rookery.mechanisms.engine import Request, Response, Target, plain_get
from rookery.mechanisms.transport import (
    BadResponse,
    HostSkipped,
    HostUnreachable,
    HttpClient,
    OutOfScope,
    ResponseTooLarge,
    TimedOut,
    TlsFailed,
    TooManyRedirects,
    TransportError,
    reach,
)
from tests.domains.scans.tools.listeners import Listener
from tests.mechanisms.transport.hostile import (
    Behaviour,
    bomb,
    drip,
    endless,
    endless_chunks,
    header_flood,
    reset,
    says,
    serving,
    silence,
)
from tests.mechanisms.transport.names import NAME, ChangingName

T = TypeVar("T")
MEGABYTE = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"


def loopback(host: str, address: str, port: int) -> bool:
    return address == "127.0.0.1"


def in_loop(work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await work()

    with asyncio.Runner() as runner:
        return runner.run(whole())


def get(port: int, path: str = "/", *, method: str = "GET", scheme: str = "http") -> Request:
    netloc = f"127.0.0.1:{port}"
    headers = (("Host", netloc),)
    return Request(method, scheme, "127.0.0.1", port, netloc, path, headers, max_body=MEGABYTE)


def ask(
    behaviour: Behaviour, *, method: str = "GET", timeout: float = 5.0, tls: ssl.SSLContext | None = None
) -> Response:
    """What a client gets from a server that behaves so."""

    async def work() -> Response:
        async with serving(behaviour, tls) as port, HttpClient(loopback, timeout=timeout) as client:
            return await client.send(get(port, method=method, scheme="https" if tls else "http"))

    return in_loop(work)


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (OK + b"Content-Length: 2\r\n\r\nhi and more", 200, b"hi"),
        (b"HTTP/1.1 404 Not Found\r\n\r\nuntil the end", 404, b"until the end"),
        (b"HTTP/1.0 200\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n", 200, b"hi!"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, b""),
        (OK + b"Content-Length: 4\r\n\r\n\x00\xff\xfe\x80", 200, b"\x00\xff\xfe\x80"),
        (OK + b"Content-Length: nonsense\r\n\r\nx", 200, b"x"),
        (OK + b"no colon here\r\n: no name\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"text", mtime=0), 200, b"text"),
        (OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(b"text"), 200, b"text"),
        (OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(b"text")[2:-4], 200, b"text"),
        (OK + b"Content-Encoding: gzip\r\n\r\nno gzip at all", 200, b"no gzip at all"),
        (OK + b"Content-Encoding: br\r\n\r\nwho knows", 200, b"who knows"),
    ],
)
def test_a_response_is_read_as_it_is_framed(data: bytes, status: int, body: bytes) -> None:
    response = ask(says(data))
    assert (response.status, response.body, response.truncated) == (status, body, False)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 10\r\n\r\nhi",
        OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhi",
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hi" * 1000, mtime=0)[:-9],
    ],
)
def test_a_body_that_ends_early_is_kept_and_marked(data: bytes) -> None:
    response = ask(says(data))
    assert response.truncated
    assert response.body.startswith(b"hi")


def test_a_head_has_no_body() -> None:
    assert ask(says(OK + b"Content-Length: 9\r\n\r\n", close=False), method="HEAD").body == b""


@pytest.mark.parametrize(
    ("behaviour", "error", "said"),
    [
        (says(b""), BadResponse, "the connection closed before an answer came"),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n"), BadResponse, "the answer is not HTTP: it begins with b'SSH-2.0"),
        (says(b"\x00" * 500_000), BadResponse, "the answer is not HTTP"),
        (says(b"HTTP/9 nonsense\r\n\r\n"), BadResponse, "the answer is not HTTP"),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 50), BadResponse, "more than 10 interim answers"),
        (says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), BadResponse, "which is no size"),
        (says(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 9000), BadResponse, "does not end"),
        (says(OK + b"" + b"A: b\r\n" * 2000 + b"\r\n"), ResponseTooLarge, "more than 1,000 headers"),
        (reset, BadResponse, "the connection broke off"),
        (header_flood, ResponseTooLarge, "headers are longer than 256 KiB"),
    ],
)
def test_what_is_no_response_is_one_clear_line(
    behaviour: Behaviour, error: type[TransportError], said: str
) -> None:
    with pytest.raises(error) as caught:
        ask(behaviour)
    assert said in str(caught.value)
    assert str(caught.value).startswith("127.0.0.1:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("behaviour", [endless, endless_chunks])
def test_an_endless_body_is_cut_at_the_wanted_size(behaviour: Behaviour) -> None:
    response = ask(behaviour)
    assert (len(response.body), response.truncated) == (MEGABYTE, True)


def test_a_gzip_bomb_is_cut_at_the_wanted_size() -> None:
    response = ask(says(bomb()))
    assert (len(response.body), response.truncated) == (MEGABYTE, True)


@pytest.mark.parametrize("behaviour", [drip, silence])
def test_a_server_that_takes_too_long_is_given_up(behaviour: Behaviour) -> None:
    with pytest.raises(TimedOut, match=r"127\.0\.0\.1:\d+: no complete answer within 0\.3 seconds"):
        ask(behaviour, timeout=0.3)


def test_a_request_may_have_a_timeout_of_its_own() -> None:
    async def work() -> None:
        async with serving(silence) as port, HttpClient(loopback) as client:
            request = Request("GET", "http", "127.0.0.1", port, "h", "/", timeout=0.2)
            with pytest.raises(TimedOut, match=r"0\.2 seconds"):
                await client.send(request)

    in_loop(work)


def failing(url: str) -> RookeryError:
    """What a client says about a URL that gives no response."""

    async def work() -> RookeryError:
        async with HttpClient(loopback, timeout=5.0) as client:
            with pytest.raises((TransportError, OutOfScope)) as caught:
                await client.send(plain_get(Target(url)))
            return caught.value

    return in_loop(work)


def test_a_refused_connection_is_one_clear_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = failing(f"http://127.0.0.1:{port}")
    assert isinstance(error, HostUnreachable)
    assert str(error) == f"127.0.0.1:{port}: the connection was refused"


def test_a_name_that_does_not_resolve_is_one_clear_line() -> None:
    error = failing("http://no-such-host.invalid")
    assert isinstance(error, HostUnreachable)
    assert str(error) == "no-such-host.invalid:80: the name cannot be resolved"


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "0.0.0.0", "[::ffff:192.0.2.1]"])  # noqa: S104 -- to be refused
def test_an_address_outside_the_scope_is_never_dialled(host: str) -> None:
    error = failing(f"http://{host}:81/")
    assert isinstance(error, OutOfScope)
    assert "is not in the scope" in str(error)


def test_permission_is_asked_for_the_address_a_name_led_to() -> None:
    asked: list[tuple[str, str, int]] = []

    def refuse(host: str, address: str, port: int) -> bool:
        asked.append((host, address, port))
        return False

    async def work() -> None:
        async with HttpClient(refuse) as client:
            with pytest.raises(OutOfScope):
                await client.send(plain_get(Target("http://localhost:81/")))

    in_loop(work)
    assert ("localhost", "127.0.0.1", 81) in asked


def test_a_name_is_dialled_where_it_led_when_it_was_asked_for_whatever_it_says_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: were it looked up again after permission was given, the stranger would be dialled."""
    page = says(OK + b"Content-Length: 2\r\n\r\nhi")
    name = ChangingName(monkeypatch, "127.0.0.1", "127.0.0.2")
    with Listener("127.0.0.2") as stranger:

        async def work() -> None:
            async with serving(page, port=stranger.port) as port, HttpClient(loopback) as client:
                wanted = plain_get(Target(f"http://{NAME}:{port}/"))
                assert (await client.send(wanted)).body == b"hi"
                assert name.asked == 1
                with pytest.raises(OutOfScope, match=r"\(127\.0\.0\.2\) is not in the scope"):
                    await client.send(wanted)

        in_loop(work)
    assert (name.asked, stranger.heard) == (2, [])


def test_each_allowed_address_of_a_name_is_tried() -> None:
    async def work() -> None:
        page = says(OK + b"Content-Length: 2\r\n\r\nhi")
        async with serving(page) as port, HttpClient(lambda *_: True) as client:
            response = await client.send(plain_get(Target(f"http://localhost:{port}/")))
            assert response.body == b"hi"  # though localhost may mean ::1 first, where nobody listens

    in_loop(work)


def self_signed() -> ssl.SSLContext:
    """A server context whose certificate nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere.example").configure_cert(context)
    return context


def test_any_certificate_will_do_to_look_at_a_server() -> None:
    assert ask(says(OK + b"\r\nx"), tls=self_signed()).body == b"x"


def test_tls_to_a_server_that_has_none_is_one_clear_line() -> None:
    async def work() -> None:
        async with serving(silence, greeting=b"220 hello\r\n") as port, HttpClient(loopback) as client:
            with pytest.raises(TlsFailed) as caught:
                await client.send(get(port, scheme="https"))
            assert str(caught.value).startswith(f"127.0.0.1:{port}: the TLS handshake failed: ")

    in_loop(work)


def test_a_tls_handshake_that_never_ends_is_given_up() -> None:
    async def work() -> None:
        async with serving(silence) as port, HttpClient(loopback, timeout=0.2) as client:
            with pytest.raises(TimedOut):
                await client.send(get(port, scheme="https"))

    in_loop(work)
    gc.collect()  # a connection left open would warn here, and warnings are errors


def test_a_connection_carries_many_requests() -> None:
    connections: set[int] = set()

    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername")[1])
        writer.write(OK + b"Content-Length: 2\r\n\r\nhi")

    async def work() -> None:
        async with serving(answer) as port, HttpClient(loopback) as client:
            for _ in range(20):
                assert (await client.send(get(port))).body == b"hi"

    in_loop(work)
    assert len(connections) == 1


def test_a_short_rest_beyond_what_is_wanted_does_not_cost_the_connection() -> None:
    connections: set[int] = set()

    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername")[1])
        writer.write(OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000)

    async def work() -> None:
        async with serving(answer) as port, HttpClient(loopback) as client:
            for _ in range(5):
                response = await client.send(replace(get(port), max_body=500))
                assert (response.body, response.truncated) == (b"x" * 500, True)

    in_loop(work)
    assert len(connections) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async def answer_once(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def work() -> None:
        async with serving(answer_once) as port, HttpClient(loopback) as client:
            for _ in range(5):
                assert (await client.send(get(port))).body == b"hi"

    in_loop(work)


def test_what_is_left_over_of_one_response_never_begins_the_next() -> None:
    poisoned = says(OK + b"Content-Length: 2\r\n\r\nhiHTTP/1.1 666 Evil\r\n\r\n", close=False)

    async def work() -> None:
        async with serving(poisoned) as port, HttpClient(loopback) as client:
            for _ in range(3):
                assert (await client.send(get(port))).status == 200

    in_loop(work)


def test_no_more_requests_are_under_way_than_allowed() -> None:
    under_way, most = 0, 0

    async def slow(_: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        writer.write(OK + b"Content-Length: 0\r\n\r\n")

    async def work() -> None:
        async with serving(slow) as port, HttpClient(loopback, concurrency=3) as client:
            await asyncio.gather(*(client.send(get(port)) for _ in range(20)))

    in_loop(work)
    assert most == 3


def test_a_rate_limit_spreads_requests() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        empty = says(OK + b"Content-Length: 0\r\n\r\n", close=False)
        async with serving(empty) as port, HttpClient(loopback, rate_limit=50) as client:
            started = loop.time()
            await asyncio.gather(*(client.send(get(port)) for _ in range(11)))
            return loop.time() - started

    assert in_loop(work) >= 0.2 - 0.01  # the first goes at once, then one every 20 ms


def test_a_host_that_keeps_failing_is_left_alone() -> None:
    async def work() -> None:
        async with serving(says(b"")) as port, HttpClient(loopback, most_errors=3) as client:
            for _ in range(3):
                with pytest.raises(BadResponse):
                    await client.send(get(port))
            for _ in range(2):
                with pytest.raises(HostSkipped, match="left alone after 3 errors in a row"):
                    await client.send(get(port))
            assert client.budget.skipped["127.0.0.1", port] == 2
            assert client.sent == 3

    in_loop(work)


def test_after_closing_nothing_is_sent() -> None:
    async def work() -> None:
        client = HttpClient(loopback)
        await client.aclose()
        with pytest.raises(Closed):
            await client.send(get(1))

    in_loop(work)


def test_reach_follows_redirects_to_the_page() -> None:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        is_start = head.startswith(b"GET / ")
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: /home\r\nContent-Length: 0\r\n\r\n"
            if is_start
            else OK + b"Content-Length: 4\r\n\r\nhome"
        )

    async def work() -> None:
        async with serving(answer) as port, HttpClient(loopback) as client:
            assert (await reach(client, Target(f"http://127.0.0.1:{port}"))).body == b"home"

    in_loop(work)


def test_a_redirect_loop_is_one_clear_line() -> None:
    async def work() -> None:
        loop = says(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", close=False)
        async with serving(loop) as port, HttpClient(loopback) as client:
            with pytest.raises(TooManyRedirects) as caught:
                await reach(client, Target(f"http://127.0.0.1:{port}"))
            last = f"http://127.0.0.1:{port}/again"
            assert str(caught.value) == f"127.0.0.1:{port}: more than 10 redirects, the last to {last}"

    in_loop(work)


def test_a_redirect_out_of_scope_is_refused_at_dial_time() -> None:
    async def work() -> None:
        away = says(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n")
        async with serving(away) as port, HttpClient(loopback) as client:
            with pytest.raises(OutOfScope, match=r"192\.0\.2\.1"):
                await reach(client, Target(f"http://127.0.0.1:{port}"))

    in_loop(work)
