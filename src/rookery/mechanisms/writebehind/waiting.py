"""Waiting for the writer, from a thread or from a coroutine, without Event or Condition (they are not re-
entrant).

Each takes `register(notify)`: it either says that there is nothing to wait for (False), or keeps `notify`
and calls it once, from any thread (True).
"""

from __future__ import annotations

import _thread
import contextlib
import sys
from collections.abc import Callable
from threading import TIMEOUT_MAX
from typing import ParamSpec, TypeAlias

P = ParamSpec("P")

Notify: TypeAlias = Callable[[], None]
Register: TypeAlias = Callable[[Notify], bool]


class Waiters:
    """Who waits for a number to be settled, and who for room. Used under the buffer's lock."""

    def __init__(self) -> None:
        self._for_room: list[Notify] = []
        self._for_numbers: list[tuple[int, Notify]] = []

    @property
    def has_for_room(self) -> bool:
        return bool(self._for_room)

    def add_for_room(self, notify: Notify) -> None:
        self._for_room.append(notify)

    def add_for(self, seq: int, notify: Notify) -> None:
        self._for_numbers.append((seq, notify))

    def take_for_room(self) -> list[Notify]:
        taken, self._for_room = self._for_room, []
        return taken

    def take_for(self, is_settled: Callable[[int], bool]) -> list[Notify]:
        """Those whose number is settled."""
        taken = [notify for seq, notify in self._for_numbers if is_settled(seq)]
        if taken:
            self._for_numbers = [waiter for waiter in self._for_numbers if not is_settled(waiter[0])]
        return taken

    def take_all(self) -> list[Notify]:
        return self.take_for(lambda _: True) + self.take_for_room()


def block_until(register: Register, timeout: float | None) -> bool:
    """Wait in this thread; False if `timeout` seconds were not enough."""
    gate = _thread.allocate_lock()
    gate.acquire()
    if not register(gate.release):
        return True
    return gate.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), TIMEOUT_MAX))


async def wait_until(register: Register, timeout: float | None) -> bool:  # noqa: ASYNC109  as block_until
    """Wait in this task while the loop goes on; False if `timeout` seconds were not enough."""
    import asyncio  # here, because a queue used from threads should not pay for it

    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    def notify() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(resolve)

    if not register(notify):
        return True
    try:
        async with asyncio.timeout(timeout):
            await future
    except TimeoutError:
        return False
    return True


def is_on_event_loop() -> bool:
    """Whether this thread is running an event loop; where asyncio was never imported there is none."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None


async def beside_the_loop(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call what blocks in a thread, while the loop goes on."""
    import asyncio  # as in wait_until

    await asyncio.to_thread(function, *args, **kwargs)
