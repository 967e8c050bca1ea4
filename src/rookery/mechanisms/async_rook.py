"""The house for coroutines: what `rook.Rook` does, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

from rookery.mechanisms.bridge import OnLoop, run_in_greenlet
from rookery.mechanisms.readers import Readers
from rookery.mechanisms.rook import Event, Followers, Listeners, Overrides, Rook, in_the_name_of
from rookery.mechanisms.store.faults import explained
from rookery.mechanisms.store.unit import AsyncSessions, Sessions, Unit

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

    from rookery.base.config import Config
    from rookery.mechanisms.journal import Journal
    from rookery.mechanisms.tasks.queue import TaskQueue
    from rookery.mechanisms.texts import Texts

P = ParamSpec("P")
T = TypeVar("T")


class AsyncRook:
    """The whole house for coroutines: the same operations, awaited. Belongs to one event loop.

    `engine` is a synchronous engine on the same database, for threads that write on their own.
    Use as an async context manager, or await `aclose()`.
    """

    def __init__(
        self,
        config: Config,
        engine: AsyncEngine,
        *,
        sync_engine: Engine,
        actor: str = "system",
        listeners: Listeners | None = None,
        followers: Followers | None = None,
        journal: Journal | None = None,
        queue: TaskQueue | None = None,
        texts: Texts | None = None,
        overrides: Overrides | None = None,
    ) -> None:
        self.config = config
        self.actor, self.request_id = actor, ""
        self.engine = sync_engine
        self._async_engine = engine
        self._sessions = AsyncSessions(engine)
        inside = Sessions(engine.sync_engine)
        self._inner = Rook(
            config, sync_engine, actor=actor, listeners=listeners, followers=followers, journal=journal,
            queue=queue, texts=texts, overrides=overrides, sessions=inside, waiting=OnLoop(),
        )  # fmt: skip
        self._readers: Readers[Rook] | None = None
        if sync_engine.dialect.name == "sqlite":
            self._readers = Readers(Rook(config, sync_engine, queue=queue))
            self._inner.run_reading = partial(self._inner.wait_for, self._readers.run)  # type: ignore[arg-type]

    @property
    def data_dir(self) -> Path:
        """Where spools, keys and, unless configured otherwise, the SQLite database live."""
        return self.config.data_dir

    def acting_as(self, actor: str, request_id: str = "") -> Self:
        """This house in somebody else's name, by a request. It is not to be closed: it ends with this."""
        other = in_the_name_of(actor, request_id, self)
        other._inner = self._inner.acting_as(actor, request_id)
        return other

    def listen(self, kind: type[Event], hear: Callable[[Event], object]) -> None:
        """As `Rook.listen`: a coroutine function is awaited on this loop, any other runs in a thread."""
        self._inner.listen(kind, hear)

    async def run_sync(
        self, operation: Callable[Concatenate[Rook, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a plain function of a Rook so that its SQL and its ports suspend this task."""
        return await run_in_greenlet(partial(operation, self._inner, *args, **kwargs))

    async def run_reading(
        self, operation: Callable[Concatenate[Rook, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `run_sync`, for an operation that is nothing but one reading unit of work."""
        if self._readers is None:
            return await self.run_sync(operation, *args, **kwargs)
        return await self._readers.run(operation, *args, **kwargs)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """As `Rook.transaction`, with an AsyncSession."""
        with Unit() as unit, explained(self.engine):
            async with self._sessions.writing.begin() as session:
                yield session
                await session.run_sync(self._inner._write_down, unit)
        await self.run_sync(Rook._ended, unit)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """As `Rook.reading`, with an AsyncSession."""
        with Unit() as unit, explained(self.engine):
            async with self._sessions.reading() as session:
                yield session
        await self.run_sync(Rook._ended, unit)

    async def emit(self, *events: object) -> None:
        """As `Rook.emit`."""
        await self.run_sync(Rook.emit, *events)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Have `aclose()` call this in a thread, before the engines go; the last registered comes first."""
        self._inner.on_close(callback)

    async def aclose(self) -> None:
        """Run what `on_close` registered, close the connections. May be called again."""
        try:
            await asyncio.to_thread(self._inner.close)
            if self._readers is not None:
                await asyncio.to_thread(self._readers.close)
        finally:
            await self._async_engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()
