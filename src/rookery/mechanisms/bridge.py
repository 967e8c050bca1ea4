"""The greenlet bridge: plain code that runs inside a coroutine, and suspends its task where it waits.

The only module that knows SQLAlchemy's, which is half private there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.util import await_  # noqa: TID251  the one place
from sqlalchemy.util import greenlet_spawn as run_in_greenlet  # noqa: TID251  the one place

from rookery.mechanisms.waiting import Work

__all__ = ["OnLoop", "run_in_greenlet"]

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class OnLoop:
    """Waiting inside an AsyncRook: suspends the task; blocking code goes to a thread."""

    def wait_for(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Await in the surrounding task, which a cancellation reaches here."""
        return await_(function(*args, **kwargs))

    def offload(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await a thread; a cancelled task stops waiting, while the thread runs on to its end."""
        return await_(asyncio.to_thread(function, *args, **kwargs))

    def each(self, function: Callable[[Item], T], items: Iterable[Item], limit: int) -> list[T]:
        """One task per place, each running the function in a greenlet of its own."""
        work = Work(function, items, TaskLock())
        await_(_beside(work, limit))
        return work.results()

    def close(self) -> None:
        """The loop belongs to the caller."""


class TaskLock:
    """A lock between greenlets: to fetch the next item may itself suspend, which must not block the loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    def __enter__(self) -> None:
        await_(self._lock.acquire())

    def __exit__(self, *_exc: object) -> None:
        self._lock.release()


async def _beside(work: Work[Any, Any], limit: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(work.places(limit)):
            group.create_task(run_in_greenlet(work.run))
