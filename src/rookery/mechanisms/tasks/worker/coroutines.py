"""Functions that run on an event loop: coroutine functions, and plain ones through its greenlets."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rookery.mechanisms.tasks.worker.job import ACTORS, Batch, Job, Over
from rookery.mechanisms.tasks.worker.watching import watched

if TYPE_CHECKING:
    from rookery.mechanisms.async_rook import AsyncRook

Opens = Callable[[], AbstractAsyncContextManager["AsyncRook"]]

CLOSING_SECONDS = 10.0


class Coroutines:
    """One loop, in a thread of its own, with one AsyncRook, opened with the first job."""

    def __init__(self, opens: Opens) -> None:
        self._opens = opens
        self._loop: _Loop | None = None

    def start(self, batch: Batch, over: Over) -> None:
        """Raises what opening the AsyncRook raises; the next one tries again."""
        if self._loop is None:
            self._loop = _Loop(self._opens)
        self._loop.call(self._loop.begin, batch, over)

    def interrupt(self, job: Job) -> None:
        """Cancel it: it unwinds, and what it was waiting for with it."""
        if self._loop is not None:
            self._loop.call(self._loop.cancel, job)

    def abandon(self, job: Job) -> None:
        """It swallows its cancellation: it stays on the loop, and nobody waits for it."""

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()


class _Loop:
    """A running loop. Raises what opening the AsyncRook raises."""

    def __init__(self, opens: Opens) -> None:
        self._opens = opens
        self._acting_as: Callable[[str], AsyncRook]
        self._end: asyncio.Event
        self._current: dict[Job, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(started,), name="rookery-tasks-loop", daemon=True
        )
        self._thread.start()
        self._loop = started.result()

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Have this called on the loop, soon."""
        self._loop.call_soon_threadsafe(function, *args)

    def begin(self, batch: Batch, over: Over) -> None:
        """On the loop: start a batch."""
        task = self._loop.create_task(self._work(batch, over))
        self._running.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._running.discard)

    def cancel(self, job: Job) -> None:
        """On the loop: cancel a job that has been begun and not ended."""
        if (task := self._current.get(job)) is not None:
            task.cancel()

    def close(self) -> None:
        """End it; what is still at work is cancelled."""
        self.call(self._end.set)
        self._thread.join(CLOSING_SECONDS)

    def _serve(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._live(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _live(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        self._end = asyncio.Event()
        async with self._opens() as rook:
            self._acting_as = lru_cache(maxsize=ACTORS)(rook.acting_as)
            started.set_result(asyncio.get_running_loop())
            await self._end.wait()

    async def _work(self, batch: Batch, over: Over) -> None:
        while (job := batch.next()) is not None:
            task = self._current[job] = self._loop.create_task(self._attempt(job))
            await asyncio.wait([task])
            del self._current[job]
            if job.outcome is None:
                job.outcome = job.raised(asyncio.CancelledError())  # before its first step
        over(batch)

    async def _attempt(self, job: Job) -> None:
        """As Job.attempt. A cancellation arrives where the function waits, so before it has ended."""
        job.begin()
        try:
            with watched(job):
                job.outcome = job.returned(await self._called(job))
        except BaseException as error:  # noqa: BLE001  whatever a task raises, its worker goes on
            job.outcome = job.raised(error)
        job.end()

    async def _called(self, job: Job) -> Any:
        job.context.check()
        payload, rook = job.payload(), self._acting_as(job.context.actor)
        if inspect.iscoroutinefunction(job.kind.function):
            return await job.kind.function(rook, job.context, payload)
        return await rook.run_sync(job.kind.function, job.context, payload)
