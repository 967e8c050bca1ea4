"""The misbehaving servers of the transport's tests, in a thread, so that a real scan can meet them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from tests.mechanisms.transport.hostile import Behaviour, serving


@contextmanager
def served(*behaviours: Behaviour, greeting: bytes = b"") -> Iterator[list[int]]:
    """The port of a server for each behaviour."""
    started, over = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with AsyncExitStack() as servers:
            for behaviour in behaviours:
                port = await servers.enter_async_context(serving(behaviour, greeting=greeting))
                ports.append(port)
            started.set()
            await asyncio.to_thread(over.wait)

    def in_thread() -> None:
        with asyncio.Runner() as runner:
            runner.run(serve())

    thread = threading.Thread(target=in_thread)
    thread.start()
    started.wait()
    try:
        yield ports
    finally:
        over.set()
        thread.join()
