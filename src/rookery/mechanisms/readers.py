"""A few threads that read from SQLite for coroutines.

A whole operation in one thread costs one change of threads; by the async driver each of its statements costs
four. An operation that is cancelled reads on, for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Concatenate, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
RookT = TypeVar("RookT")

READERS = 2
"""Threads: what they do in Python they do one after the other; what they wait for, beside each other."""


class Readers(Generic[RookT]):
    """Threads, and the plain Rook that operations are given in them."""

    def __init__(self, rook: RookT) -> None:
        self._rook = rook
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="rookery-reading")

    async def run(
        self, operation: Callable[Concatenate[RookT, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call the operation in a thread."""
        inside = partial(copy_context().run, operation, self._rook, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, inside)

    def close(self) -> None:
        """Wait for what is read; the engine belongs to the house."""
        self._threads.shutdown()
