"""Async servers for tests that run no loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def beside(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What a context manager gives, while it is open on a loop in a thread of its own."""
    opened: list[T] = []
    is_open, is_over = threading.Event(), threading.Event()

    async def hold() -> None:
        try:
            async with server as given:
                opened.append(given)
                is_open.set()
                await asyncio.to_thread(is_over.wait)
        finally:
            is_open.set()

    def in_thread() -> None:
        with asyncio.Runner() as runner:
            runner.run(hold())

    thread = threading.Thread(target=in_thread)
    thread.start()
    is_open.wait()
    try:
        yield opened[0]
    finally:
        is_over.set()
        thread.join()
