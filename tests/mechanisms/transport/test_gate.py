"""The gate: a SOCKS5 proxy that lets nothing through to where it is not allowed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from rookery.mechanisms.transport import Gate, OutOfScope, Place
from rookery.mechanisms.transport.gate import MOST_SILENT
from tests.domains.scans.tools.listeners import Listener
from tests.mechanisms.transport.names import NAME, ChangingName

NEXT = 60  # seconds of patience, on a loaded machine


def run(scenario: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(scenario)


def asks(host: str, port: int) -> bytes:
    """A greeting, and the wish to be connected to a host by name."""
    return (
        b"\x05\x01\x00" + b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + struct.pack("!H", port)
    )


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def through(gate: Gate, said: bytes) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    """The gate's two answers to what a client says, and the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gate.url.rpartition(":")[2]))
    writer.write(said)
    async with asyncio.timeout(NEXT):
        return await reader.read(2) + await reader.read(10), reader, writer


def test_what_is_allowed_passes_both_ways_whatever_its_size() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Gate(lambda *_: True) as gate:
            answer, reader, writer = await through(gate, asks("localhost", port))
            assert (answer[:2], answer[3]) == (b"\x05\x00", 0)
            sent = bytes(range(256)) * 8192
            writer.write(sent)
            writer.write_eof()
            async with asyncio.timeout(NEXT):
                assert await reader.read() == sent
            writer.close()
            assert gate.reached == {Place("localhost", port)}
            assert (gate.failed, gate.connections) == ({}, 1)
        server.close()

    run(scenario())


def test_what_is_not_allowed_is_not_dialled_and_heard_of_once() -> None:
    async def scenario() -> None:
        dialled: list[int] = []
        refused: list[OutOfScope] = []

        async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            dialled.append(1)
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Gate(lambda *_: False, on_refused=refused.append) as gate:
            for _ in range(2):
                answer, reader, writer = await through(gate, asks("127.0.0.1", port))
                assert answer[3] == 2, "not allowed by the rules"
                async with asyncio.timeout(NEXT):
                    assert await reader.read() == b""
                writer.close()
            assert isinstance(gate.failed[Place("127.0.0.1", port)], OutOfScope)
        server.close()
        assert (dialled, [str(error) for error in refused]) == (
            [],
            [f"127.0.0.1:{port} (127.0.0.1) is not in the scope"],
        )

    run(scenario())


def test_the_name_and_every_address_it_leads_to_are_asked_for(free_port: int) -> None:
    async def scenario() -> None:
        asked: list[tuple[str, str, int]] = []

        def allow(host: str, address: str, port: int) -> bool:
            asked.append((host, address, port))
            return False

        async with Gate(allow) as gate:
            _, _, writer = await through(gate, asks("LOCALHOST", free_port))
            writer.close()
        assert ("localhost", "127.0.0.1", free_port) in asked

    run(scenario())


def test_a_name_is_dialled_where_it_led_when_it_was_asked_for_whatever_it_says_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the gate lets no program through to where a name leads a moment later."""
    name = ChangingName(monkeypatch, "127.0.0.1", "127.0.0.2")

    async def scenario(stranger: Listener) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", stranger.port)
        async with Gate(lambda _host, address, _port: address == "127.0.0.1") as gate:
            answer, reader, writer = await through(gate, asks(NAME, stranger.port))
            assert (answer[3], name.asked) == (0, 1)
            writer.write(b"hello")
            async with asyncio.timeout(NEXT):
                assert await reader.read(5) == b"hello"
            writer.close()
            answer, _, writer = await through(gate, asks(NAME, stranger.port))
            assert (answer[3], name.asked) == (2, 2), "not allowed by the rules"
            writer.close()
        server.close()

    with Listener("127.0.0.2") as stranger:
        run(scenario(stranger))
    assert stranger.heard == []


def test_a_dead_place_is_told_apart_from_a_forbidden_one(free_port: int) -> None:
    async def scenario() -> None:
        async with Gate(lambda *_: True) as gate:
            answer, _, writer = await through(gate, asks("127.0.0.1", free_port))
            writer.close()
            assert answer[3] == 4, "host unreachable"
            assert "refused" in str(gate.failed[Place("127.0.0.1", free_port)])

    run(scenario())


def test_a_host_is_dialled_when_its_turn_has_come(free_port: int) -> None:
    async def scenario() -> None:
        turn, asked = asyncio.Event(), asyncio.Queue[str]()

        async def pace(host: str) -> None:
            await asked.put(host)
            await turn.wait()

        async with Gate(lambda *_: True, pace=pace) as gate:
            waiting = asyncio.create_task(through(gate, asks("localhost", free_port)))
            assert await asked.get() == "localhost"
            assert gate.failed == {}
            turn.set()
            answer, _, writer = await waiting
            assert answer[3] == 4
            writer.close()

    run(scenario())


async def knock(gate: Gate, port: int, said: bytes = b"hello") -> tuple[int, bytes]:
    """What a client that says something and is done hears of the gate, and of the server behind it."""
    answer, reader, writer = await through(gate, asks("127.0.0.1", port))
    try:
        if answer[3]:
            return answer[3], b""
        writer.write(said)
        writer.write_eof()
        async with asyncio.timeout(NEXT):
            with suppress(ConnectionError):
                return 0, await reader.read()
        return 0, b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def test_a_dead_place_is_dialled_thirty_times_in_a_row_and_then_left_alone(free_port: int) -> None:
    async def scenario() -> None:
        async with Gate(lambda *_: True) as gate:
            for _ in range(MOST_SILENT):
                assert gate.given_up == set()
                assert await knock(gate, free_port) == (4, b"")
            assert gate.given_up == {Place("127.0.0.1", free_port)}
            server = await asyncio.start_server(echo, "127.0.0.1", free_port)
            assert await knock(gate, free_port) == (4, b""), "it stays given up"
            server.close()

    run(scenario())


def test_a_place_that_takes_connections_and_never_says_a_word_is_given_up_too() -> None:
    """One answer in between, and it is counted anew."""

    async def scenario() -> None:
        connections: list[asyncio.StreamWriter] = []

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            if await reader.read(5) == b"wake!":
                writer.write(b"what?")
                writer.write_eof()
            with suppress(OSError):
                await reader.read()

        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Gate(lambda *_: True, patience=2.0) as gate:
            mute = (knock(gate, port) for _ in range(MOST_SILENT - 1))
            assert set(await asyncio.gather(*mute)) == {(0, b"")}
            assert await knock(gate, port, b"wake!") == (0, b"what?")
            mute = (knock(gate, port) for _ in range(MOST_SILENT))
            assert set(await asyncio.gather(*mute)) == {(0, b"")}
            assert await knock(gate, port) == (4, b"")
            assert str(gate.failed[Place("127.0.0.1", port)]).endswith("gave no answer 30 times in a row")
        assert len(connections) == 2 * MOST_SILENT
        for writer in connections:
            writer.transport.abort()
        server.close()

    run(scenario())


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"GET / HTTP/1.1\r\n" + b"\r\n" * 99, b"\x05\xff"),
        (b"\x05\x01\x02", b"\x05\xff"),
        (b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", b"\x05\x00\x05\x07"),
        (b"\x05\x01\x00\x05\x01\x00\x09\x00\x50\x00\x00\x00", b"\x05\x00\x05\x07"),
        (b"\x05\x01\x00\x05\x01\x00\x03\x00\x00\x50", b"\x05\x00\x05\x07"),
    ],
    ids=["http", "password", "bind", "unknown-address", "no-name"],
)
def test_other_wishes_are_refused_and_the_gate_stays_open(said: bytes, answer: bytes) -> None:
    async def scenario() -> None:
        async with Gate(lambda *_: True) as gate:
            heard, _, writer = await through(gate, said)
            assert heard.startswith(answer)
            writer.close()
            again, _, writer = await through(gate, b"\x05\x01\x02")
            assert again == b"\x05\xff"
            writer.close()

    run(scenario())


def test_closing_the_gate_ends_what_is_passing() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with Gate(lambda *_: True) as gate:
            _, reader, writer = await through(gate, asks("127.0.0.1", server.sockets[0].getsockname()[1]))
        async with asyncio.timeout(NEXT):
            with suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        server.close()

    run(scenario())
