"""The one event loop on which a manager's `async def` hooks run, in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any

from rookery.mechanisms.writebehind import TransientError

if TYPE_CHECKING:
    from collections.abc import Coroutine

WINDING_UP = 5.0  # seconds a cancelled hook gets to clean up after itself


class HookLoop:
    """An event loop in a daemon thread, started by the first coroutine that needs it.

    One loop for all hooks and the whole run: what a hook opens on it (a client, a connection) stays usable,
    whichever loop, if any, the run itself is on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run it, blocking the calling thread. Raises TransientError if close() cut it short."""
        try:
            return self._submit(coroutine).result()
        except concurrent.futures.CancelledError as error:
            # Cut short is not refused: the items stay in the spool, they are no dead letters.
            raise TransientError("the run ended before the hook answered") from error

    async def awaited(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run it, without blocking the calling loop; cancelling the caller cancels it."""
        return await asyncio.wrap_future(self._submit(coroutine))

    def _submit(self, coroutine: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        try:
            loop = self._running()
        except TransientError:
            coroutine.close()
            raise
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise TransientError("the run has ended")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="rookery-hooks", daemon=True
                )
                self._thread.start()
            return self._loop

    @property
    def is_running(self) -> bool:
        """Whether anything has needed it yet."""
        return self._loop is not None

    def close(self) -> None:
        """Cancel what still runs, stop loop and thread. A hook that ignores its cancelling is left behind.

        So is one that blocks the loop itself, which then cannot even be told.
        """
        with self._lock:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_wind_up(), loop)
        thread.join(2 * WINDING_UP)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _wind_up() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=WINDING_UP)
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    loop.stop()
