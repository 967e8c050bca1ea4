"""What is hostile or broken behind the other ports: bounded, in time and size, and said in one line."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest

from rookery.base.errors import RookeryError
from rookery.mechanisms.engine import DnsAsk, FileAsk, TcpAsk, TcpStep, TlsAsk
from rookery.mechanisms.engine.asks import LARGEST_READ
from rookery.mechanisms.transport import (
    BadResponse,
    DiskFiles,
    DnsClient,
    FileUnreadable,
    HttpClient,
    MemoryFiles,
    OutOfScope,
    TcpClient,
    TimedOut,
    TlsClient,
    TlsFailed,
    TransportError,
    files_below,
)
from tests.conformance.running import is_loopback
from tests.conformance.servers import Handler, tcp_server

T = TypeVar("T")


class Script:
    """A dialogue of steps that are known beforehand; it keeps what was heard."""

    def __init__(self, *steps: TcpStep) -> None:
        self.steps, self.heard = list(steps), list[bytes | None]()

    def next_step(self, heard: bytes | None) -> TcpStep | None:
        """The next of them."""
        self.heard.append(heard)
        return self.steps.pop(0) if self.steps else None


def run(work: Callable[[HttpClient], Awaitable[T]]) -> T:
    """What becomes of work with a client, on a loop of its own."""

    async def main() -> T:
        async with HttpClient(is_loopback) as client:
            return await work(client)

    with asyncio.Runner() as runner:
        return runner.run(main())


def talk(handler: Handler, *steps: TcpStep, tls: bool = False) -> list[bytes | None]:
    """What a dialogue with a server heard."""
    script = Script(*steps)

    async def work(client: HttpClient) -> None:
        async with tcp_server(handler) as server:
            tcp = TcpClient(is_loopback, client.turns, timeout=2, read_timeout=0.3)
            await tcp.talk(TcpAsk("127.0.0.1", server.port, tls, script))

    run(work)
    return script.heard


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never stops talking."""
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Never says a word."""
    await reader.read()


async def closing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Hangs up."""


def test_an_endless_stream_is_cut() -> None:
    heard = talk(endless, TcpStep(b"", 100), TcpStep(b"", LARGEST_READ, to_end=True))
    assert 0 < len(heard[1] or b"") <= 100
    assert 0 < len(heard[2] or b"") <= LARGEST_READ


def test_silence_at_the_end_is_an_empty_answer() -> None:
    assert talk(silent, TcpStep(b"hello"), TcpStep(b"", 10)) == [None, None, b""]
    assert talk(closing, TcpStep(b"", 10)) == [None, b""]


@pytest.mark.parametrize("handler", [silent, closing])
def test_silence_where_an_answer_is_due_is_a_failure(handler: Handler) -> None:
    with pytest.raises(TransportError, match=r"nothing could be read where an answer was due|broke off"):
        talk(handler, TcpStep(b"hello", 10, required=True))


def test_tls_with_a_server_that_speaks_none_fails_in_one_line() -> None:
    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n" * 100)

    with pytest.raises(TlsFailed, match="TLS handshake"):
        talk(chatter, TcpStep(b"", 10), tls=True)

    async def work(client: HttpClient) -> None:
        async with tcp_server(chatter) as server:
            await TlsClient(is_loopback, client.turns, timeout=2).shake(TlsAsk("127.0.0.1", server.port))

    with pytest.raises(TlsFailed) as caught:
        run(work)
    assert "\n" not in str(caught.value)


def test_a_handshake_that_never_ends_is_given_up() -> None:
    async def work(client: HttpClient) -> None:
        async with tcp_server(silent) as server:
            await TlsClient(is_loopback, client.turns, timeout=0.3).shake(TlsAsk("127.0.0.1", server.port))

    with pytest.raises(TimedOut, match=r"no TLS handshake within 0\.3 seconds"):
        run(work)


def test_nothing_is_dialled_that_is_not_in_the_scope() -> None:
    async def tcp(client: HttpClient) -> None:
        await TcpClient(is_loopback, client.turns).talk(TcpAsk("192.0.2.1", 22, False, Script()))

    async def tls(client: HttpClient) -> None:
        await TlsClient(is_loopback, client.turns).shake(TlsAsk("192.0.2.1", 443))

    async def dns(client: HttpClient) -> None:
        ask = DnsAsk("a.test.", "A", resolvers=("192.0.2.53",))
        await DnsClient(is_loopback, client.turns, resolvers=["127.0.0.1:9"]).ask(ask)

    for work in (tcp, tls, dns):
        with pytest.raises(OutOfScope, match=r"192\.0\.2\.\d+.* is not in the scope"):
            run(work)


def ask_dns(answer: Callable[[bytes], bytes | None], name: str = "a.test.") -> None:
    """Ask a name server that answers datagrams with anything."""

    class Garbage(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if (reply := answer(data)) is not None:
                self.transport.sendto(reply, addr)

    async def work(client: HttpClient) -> None:
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(Garbage, local_addr=("127.0.0.1", 0))
        place = f"127.0.0.1:{server.get_extra_info('sockname')[1]}"
        try:
            await DnsClient(is_loopback, client.turns, resolvers=[place], timeout=0.3).ask(
                DnsAsk(name, "A", retries=2)
            )
        finally:
            server.close()

    run(work)


@pytest.mark.parametrize(
    "answer",
    [
        lambda query: query[:2] + b"\x81\x80" + b"\xff" * 8,  # counts of what does not follow
        lambda query: (
            query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + b"\xc0\x0c" * 10
        ),  # names in a circle
        lambda _: b"garbage",
        lambda _: b"",
    ],
)
def test_what_is_no_dns_message_is_an_error_in_one_line(answer: Callable[[bytes], bytes]) -> None:
    with pytest.raises((BadResponse, TimedOut)) as caught:
        ask_dns(answer)
    assert "name server 127.0.0.1" in str(caught.value)


def test_a_silent_name_server_is_asked_again_and_then_given_up() -> None:
    queries: list[bytes] = []
    with pytest.raises(TimedOut, match=r"no answer within 0\.3 seconds"):
        ask_dns(queries.append)
    assert len(queries) == 2


@pytest.mark.parametrize("name", ["a..b.", "x" * 64 + ".test.", "." * 300])
def test_what_is_no_name_is_not_asked_about(name: str) -> None:
    with pytest.raises(TransportError, match="is not a name that can be asked about"):
        ask_dns(lambda query: query, name)


def read(files: DiskFiles | MemoryFiles, name: str | Path, most: int = 1000) -> bytes:
    """What a file port gives of a file."""
    with asyncio.Runner() as runner:
        return runner.run(files.read(FileAsk(str(name), most))).data


def test_a_huge_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    huge = tmp_path / "huge.log"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    assert len(read(DiskFiles([tmp_path]), huge, 5000)) == 5000


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret.txt", tmp_path / "configs"
    folder.mkdir()
    secret.write_text("x")
    (folder / "out.txt").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    (folder / "in.txt").write_text("fine")
    (folder / "alias.txt").symlink_to("in.txt")
    assert [Path(name).name for name in files_below(folder)] == ["alias.txt", "in.txt"]
    assert read(DiskFiles([folder]), folder / "alias.txt") == b"fine"
    for name in (
        folder / "out.txt",
        folder / "up" / "secret.txt",
        secret,
        "/etc/passwd",
        folder / ".." / "secret.txt",
    ):
        with pytest.raises(OutOfScope, match="outside of what was given"):
            read(DiskFiles([folder]), name)


def test_pipes_devices_sockets_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    started = time.monotonic()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.txt"))
        for name in ("pipe.txt", "socket.txt", "", "missing.txt"):
            with pytest.raises(FileUnreadable) as caught:
                read(DiskFiles([tmp_path]), tmp_path / name)
            assert "\n" not in str(caught.value)
    with pytest.raises(FileUnreadable, match="not a regular file"):
        read(DiskFiles(["/dev/zero"]), "/dev/zero")
    assert time.monotonic() - started < 30
    assert list(files_below(tmp_path)) == []


def test_texts_are_answered_from_memory() -> None:
    files = MemoryFiles({"r1": b"hostname r1"})
    assert read(files, "r1", 8) == b"hostname"
    with pytest.raises(RookeryError, match="there is no such text"):
        read(files, "r2")
