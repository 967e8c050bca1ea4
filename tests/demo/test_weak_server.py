"""The demo's web server: weak on purpose, but only towards this machine, and hard to knock over."""

from __future__ import annotations

import asyncio

import pytest

from rookery.demo import WeakServer
from rookery.demo.pages import PAGES


async def talk(url: str, data: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def said(data: bytes) -> bytes:
    async def work() -> bytes:
        async with WeakServer() as server:
            return await talk(server.url, data)

    with asyncio.Runner() as runner:
        return runner.run(work())


def test_it_listens_on_loopback_only() -> None:
    async def work() -> str:
        async with WeakServer() as server:
            return server.url

    with asyncio.Runner() as runner:
        assert runner.run(work()).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("path", PAGES)
def test_it_serves_each_page(path: str) -> None:
    answer = said(f"GET {path}?x=y HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {PAGES[path].status} ".encode())
    assert answer.endswith(PAGES[path].body)


def test_it_answers_several_requests_on_one_connection() -> None:
    assert said(b"GET /.env HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\n").count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "data",
    [b"", b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a" * 100_000, b"\x00\xff\r\n\r\n"],
)
def test_nonsense_gets_no_answer_and_does_no_harm(data: bytes) -> None:
    assert said(data) == b""


def test_a_negative_or_absurd_length_does_no_harm() -> None:
    for length in (b"-5", b"x", b"999999999999"):
        assert said(b"POST /graphql HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n") == b""


def test_it_counts_what_it_was_asked_for() -> None:
    async def work() -> None:
        async with WeakServer() as server:
            await talk(server.url, b"GET /a HTTP/1.1\r\n\r\nGET /a HTTP/1.1\r\n\r\n")
            assert server.requests == {"GET /a": 2}

    with asyncio.Runner() as runner:
        runner.run(work())
