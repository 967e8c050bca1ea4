"""Servers on loopback that remember who came, and answer anybody the same way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


class Listener:
    """`with Listener("127.0.0.2") as server:` listens in a thread; `heard` has what they said first."""

    def __init__(
        self, host: str = "127.0.0.1", answer: Callable[[bytes], bytes] = lambda _heard: OK, port: int = 0
    ) -> None:
        self._host, self._answer = host, answer
        self.heard: list[bytes] = []
        self.port = port

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self._host}:{self.port}"

    def __enter__(self) -> Listener:
        self._ready, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._meet, self._host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await asyncio.to_thread(self._over.wait)
        server.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            said = await reader.read(4096)
            self.heard.append(said)
            writer.write(self._answer(said))
            await writer.drain()
        writer.close()
