"""nuclei's integration tests of the network protocol (cmd/integration-test/network.go)."""

from __future__ import annotations

import asyncio

import pytest

from rookery.mechanisms.engine import Outcome, UnsupportedTemplate
from tests.conformance.running import given, outcome_of
from tests.conformance.servers import Handler, Served, tcp_server, tls_context


def says_when(expected: bytes, answer: bytes) -> Handler:
    """Reads as many bytes as expected, and answers when they are right."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(len(expected)) == expected:
            writer.write(answer)

    return handle


def run(path: str, handler: Handler, **replaced: str) -> tuple[Outcome, Served]:
    """The outcome of a template on a server."""

    async def work() -> tuple[Outcome, Served]:
        async with tcp_server(handler) as server:
            return await outcome_of(given(path, **replaced), server.url), server

    with asyncio.Runner() as runner:
        return runner.run(work())


@pytest.mark.parametrize("path", ["network/basic.yaml", "network/hex.yaml", "network/same-address.yaml"])
def test_what_is_said_is_answered_and_matched_once(path: str) -> None:
    outcome, server = run(path, says_when(b"PING", b"PONG"))
    assert [match.kind for match in outcome.matches] == ["tcp"]
    assert outcome.matches[0].matched_at == f"127.0.0.1:{server.port}"
    assert server.connections == 1  # a place that is named eleven times is dialled once


def test_several_steps_are_matched_by_the_names_of_what_they_read() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(5) == b"FIRST":
            writer.write(b"PING")
        if await reader.readexactly(6) == b"SECOND":
            writer.write(b"PONG")
        writer.write(b"NUCLEI")

    outcome, _ = run("network/multi-step.yaml", handle)
    assert len(outcome.matches) == 1
    assert outcome.matches[0].request == "FIRSTSECOND"
    assert outcome.matches[0].response == "PINGPONGNUCLEI"


def test_variables_are_filled_in() -> None:
    assert len(run("network/variables.yaml", says_when(b"PING", b"aGVsbG8="))[0].matches) == 1


def test_a_self_contained_template_is_refused() -> None:
    with pytest.raises(UnsupportedTemplate, match="self-contained"):
        given("network/self-contained.yaml")


def test_a_template_s_port_stands_in_for_an_http_port_and_gives_way_to_any_other() -> None:
    async def work() -> None:
        async with (
            tcp_server(says_when(b"PING", b"PONG")) as own,
            tcp_server(says_when(b"PING", b"PONG")) as other,
        ):
            template = given("network/network-port.yaml", _23846=str(own.port))
            for target in (own.url, "http://127.0.0.1:443", "http://127.0.0.1", other.url):
                assert len((await outcome_of(template, target)).matches) == 1, target
            assert (own.connections, other.connections) == (3, 1)

    with asyncio.Runner() as runner:
        runner.run(work())


@pytest.mark.parametrize("path", ["network/net-https.yaml", "network/net-https-timeout.yaml"])
def test_everything_is_read_over_tls_until_the_other_side_closes_or_falls_silent(path: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000)
        if "timeout" in path:
            await asyncio.sleep(3600)

    async def work() -> None:
        async with tcp_server(handle, tls_context("localhost")) as server:
            outcome = await outcome_of(given(path, _443=str(server.port)), f"https://localhost:{server.port}")
            assert [match.extracted for match in outcome.matches] == [("5019",)]

    with asyncio.Runner() as runner:
        runner.run(work())
