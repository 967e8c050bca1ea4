"""The misbehaving servers of the transport's tests, in a thread, so that a real scan can meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from tests.beside import beside
from tests.mechanisms.transport.hostile import Behaviour, serving


@contextmanager
def served(*behaviours: Behaviour, greeting: bytes = b"") -> Iterator[list[int]]:
    """The port of a server for each behaviour."""

    @asynccontextmanager
    async def all_serving() -> AsyncIterator[list[int]]:
        async with AsyncExitStack() as servers:
            yield [
                await servers.enter_async_context(serving(behaviour, greeting=greeting))
                for behaviour in behaviours
            ]

    with beside(all_serving()) as ports:
        yield ports
