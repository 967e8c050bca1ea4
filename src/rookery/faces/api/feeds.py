"""Streams of server-sent events (WHATWG HTML, §9.2): what happens, and how work gets on.

Whoever has missed something says what was last heard (Last-Event-ID) and hears the rest: events are read from
the database, so that neither a reload nor a restart loses any.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.responses import StreamingResponse

from rookery.base.errors import RookeryError
from rookery.faces.api.errors import TooManyStreams

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

log = logging.getLogger(__name__)

EVERY = 0.25
"""Seconds between looks at the database, however many listen."""
SILENCE = 15.0
"""Seconds after which a stream says that it is still there, for proxies."""
MOST_STREAMS = 1_000
MOST_OF_ONE = 250
"""Streams of one user, whatever they hold with: others have some left."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Look = Callable[[frozenset[str]], Awaitable[Mapping[str, Any]]]
"""The present state of all these keys, by key; one that has no state is left out."""


class Feeds:
    """The watches of one application: what is followed of each kind."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._open: Counter[str] = Counter()

    def of(self, kind: str, look: Look) -> Watch:
        """The watch of a kind, which looks like this."""
        if kind not in self._watches:
            self._watches[kind] = Watch(look)
        return self._watches[kind]

    def refuse_too_many(self, user_id: str) -> None:
        """Raise TooManyStreams when a user has as many open as one may have."""
        if self._open[user_id] >= MOST_OF_ONE:
            raise TooManyStreams

    async def counted(self, user_id: str, pieces: AsyncIterable[T]) -> AsyncGenerator[T, None]:
        """A stream of a user's, which counts as one of theirs while it is open."""
        self._open[user_id] += 1
        try:
            async for piece in pieces:
                yield piece
        finally:
            self._open[user_id] -= 1
            self._open += Counter()  # nobody who has none is remembered
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    def close(self) -> None:
        """End all streams; to be called on the loop."""
        for watch in self._watches.values():
            watch.close()


class Watch:
    """Looks at what is followed, at once for all who follow, and wakes those for whom it has changed."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._followers: dict[str, int] = {}
        self._states: dict[str, Any] = {}
        self._news = asyncio.Event()  # another one after each change
        self._task: asyncio.Task[None] | None = None
        self.is_closed = False

    def follow(self, key: str) -> AsyncGenerator[Any, None]:
        """The state of `key` now and whenever it has changed; None where nothing has for a while.

        Raises TooManyStreams, before an answer has begun.
        """
        if sum(self._followers.values()) >= MOST_STREAMS:
            raise TooManyStreams
        return self._states_of(key)

    async def _states_of(self, key: str) -> AsyncGenerator[Any, None]:
        with self._following(key):
            known: Any = None
            while not self.is_closed:
                if (state := self._states.get(key)) != known and state is not None:
                    known = state
                    yield state
                elif not await self._is_woken():
                    yield None

    def close(self) -> None:
        """End all streams."""
        self.is_closed = True
        if self._task is not None:
            self._task.cancel()
        self._wake()

    @contextmanager
    def _following(self, key: str) -> Iterator[None]:
        self._followers[key] = self._followers.get(key, 0) + 1
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking(), name="watch")
        try:
            yield
        finally:
            self._followers[key] -= 1
            if not self._followers[key]:
                del self._followers[key]
                self._states.pop(key, None)

    async def _is_woken(self) -> bool:
        try:
            await asyncio.wait_for(self._news.wait(), SILENCE)
        except TimeoutError:
            return False
        return True

    async def _keep_looking(self) -> None:
        while True:
            if self._followers:
                await self._look_once()
            await asyncio.sleep(EVERY)

    async def _look_once(self) -> None:
        """What cannot be seen now, may be in a moment: whoever follows stays."""
        try:
            found = await self._look(frozenset(self._followers))
        except RookeryError as error:
            log.warning("what is followed cannot be looked at now: %s", error)
            return
        if found != self._states:
            self._states = dict(found)
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def event(data: Any, *, name: str = "", id_: object = None) -> bytes:
    """One event, as it goes over the wire."""
    head = f"id: {id_}\n" if id_ is not None else ""
    kind = f"event: {name}\n" if name else ""
    return f"{head}{kind}data: ".encode() + msgspec.json.encode(data) + b"\n\n"


def stream(pieces: AsyncGenerator[bytes, None]) -> StreamingResponse:
    """Events as an answer."""
    return StreamingResponse(_opened(pieces), media_type="text/event-stream", headers=HEADERS)


async def _opened(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield b"retry: 3000\n\n"
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()


STILL_HERE = b": still here\n\n"
