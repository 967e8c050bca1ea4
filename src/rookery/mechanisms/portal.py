"""A portal: one event loop in a background thread, through which plain code runs async code and waits."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, Generic, ParamSpec, TypeVar

from rookery.base.errors import Closed

P = ParamSpec("P")
T = TypeVar("T")


class Portal:
    """Starts its thread at the first call; a forked child, which has no such thread, starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._closed = False
        self._calls: set[_Call[Any]] = set()

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function on the portal's loop, in the caller's context, and return what it returns.

        A KeyboardInterrupt (or what else a signal handler raises) cancels the coroutine, waits for its clean
        end and then goes on to the caller. Raises what the coroutine raises; Closed after close().
        """
        loop = self._running_loop()
        if threading.current_thread() is self._thread:
            raise RuntimeError("The portal's own loop cannot wait for itself: await the coroutine instead.")
        call = _Call(function(*args, **kwargs))
        try:
            self._schedule(loop, call)
            wait([call.outcome])
        except Closed:
            call.coroutine.close()
            raise
        except BaseException:
            with suppress(RuntimeError):  # the loop has ended meanwhile, and the coroutine with it
                loop.call_soon_threadsafe(call.cancel)
            wait([call.outcome])
            raise
        finally:
            with self._lock:
                self._calls.discard(call)
        return call.outcome.result()

    def cancel_calls_of(self, threads: Collection[int]) -> None:
        """Cancel what these threads, by their idents, wait for: for them a CancelledError comes of it."""
        with self._lock:
            loop = self._loop
            if loop is None:
                return
            for call in self._calls:
                if call.thread in threads:
                    loop.call_soon_threadsafe(call.cancel)

    def _schedule(self, loop: asyncio.AbstractEventLoop, call: _Call[Any]) -> None:
        """Before close() or not at all: what is scheduled after the loop was told to stop never begins."""
        with self._lock:
            self._refuse_closed()
            self._calls.add(call)
            loop.call_soon_threadsafe(call.start, context=contextvars.copy_context())

    def close(self) -> None:
        """Cancel what still runs, wait for it, end the thread. May be called again."""
        with self._lock:
            self._closed = True
            thread, loop, stop = self._thread, self._loop, self._stop
        if thread and loop and stop and self._pid == os.getpid() and thread.is_alive():
            with suppress(RuntimeError):  # somebody else's close() was quicker
                loop.call_soon_threadsafe(stop.set)
            thread.join()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            self._refuse_closed()
            if self._thread is None or self._pid != os.getpid() or not self._thread.is_alive():
                self._start_thread()
            assert self._loop is not None  # noqa: S101  the thread has set it
            return self._loop

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Closed("This Rook has been closed: open another.")

    def _start_thread(self) -> None:
        started = threading.Event()
        self._pid = os.getpid()
        self._thread = threading.Thread(
            target=self._serve, args=(started,), name="rookery-portal", daemon=True
        )
        self._thread.start()
        started.wait()

    def _serve(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._stay(started))

    async def _stay(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        started.set()
        await self._stop.wait()


class _Call(Generic[T]):
    """One coroutine on its way through the portal; `outcome` is settled when it has ended, not before."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.coroutine = coroutine
        self.outcome: Future[T] = Future()
        self.task: asyncio.Task[T] | None = None
        self.thread = threading.get_ident()

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self.coroutine)
        self.task.add_done_callback(self._settle)

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()
        else:  # interrupted before it was even scheduled
            self.coroutine.close()
            self.outcome.set_exception(asyncio.CancelledError())

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.outcome.set_exception(asyncio.CancelledError())
        elif error := task.exception():
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())
