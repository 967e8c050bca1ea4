"""How a Rook waits for what is neither SQL nor computation, and how it does many things beside each other."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sized
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from rookery.mechanisms.portal import Portal

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Waiting(Protocol):
    """What differs between the worlds: `InThread` below, `OnLoop` on the greenlet bridge."""

    def wait_for(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run async code, return its result."""
        ...

    def offload(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call blocking code, return its result."""
        ...

    def each(self, function: Callable[[Item], T], items: Iterable[Item], limit: int) -> list[T]:
        """Call the function for each item, `limit` at a time; results in order, failures in a group."""
        ...

    def close(self) -> None:
        """End what it has started."""
        ...


CANCEL_SECONDS = 0.1
"""Between two looks at what has come to wait meanwhile."""


class InThread:
    """Waiting for plain code: blocks the calling thread; async code runs in the one portal."""

    def __init__(self) -> None:
        self._portal = Portal()

    def wait_for(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Through the portal, whose thread starts at the first call."""
        return self._portal.call(function, *args, **kwargs)

    def offload(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Here and now: a plain caller may block."""
        return function(*args, **kwargs)

    def each(self, function: Callable[[Item], T], items: Iterable[Item], limit: int) -> list[T]:
        """One thread per place, each in a copy of the caller's context."""
        work = Work(function, items, threading.Lock())
        threads: set[int] = set()

        def work_here() -> None:
            threads.add(threading.get_ident())
            try:
                work.run()
            finally:
                threads.discard(threading.get_ident())

        with ThreadPoolExecutor(limit, thread_name_prefix="rookery-each") as pool:
            try:  # an interrupt may come while the places are made, too
                places = [
                    pool.submit(contextvars.copy_context().run, work_here) for _ in range(work.places(limit))
                ]
                wait(places)
            except BaseException:  # Ctrl-C: nothing more is started, and nothing of the portal waited for
                work.stop()
                while threads:
                    self._portal.cancel_calls_of(frozenset(threads))
                    time.sleep(CANCEL_SECONDS)
                raise
        for place in places:
            place.result()  # what is no Exception, such as a SystemExit, is raised as it is
        return work.results()

    def close(self) -> None:
        """End the portal's thread."""
        self._portal.close()


class Work(Generic[Item, T]):
    """A list of items worked off by several `run()`s at once, which share what is left of it.

    `lock` keeps them from fetching two items at once, in the way in which their world waits.
    """

    def __init__(
        self, function: Callable[[Item], T], items: Iterable[Item], lock: AbstractContextManager[object]
    ) -> None:
        self._function = function
        self._count = len(items) if isinstance(items, Sized) else sys.maxsize
        self._left = enumerate(items)
        self._lock = lock
        self._stopped = False
        self._done: dict[int, T] = {}
        self._failures: list[Exception] = []

    def run(self) -> None:
        """Take items until none is left, or one has failed, or could not be fetched."""
        try:
            while (taken := self._take()) is not None:
                index, item = taken
                self._done[index] = self._function(item)
        except Exception as failure:  # noqa: BLE001  raised in a group by results()
            self._failures.append(failure)
            self.stop()

    def places(self, limit: int) -> int:
        """How many to run beside each other: no more than there are items, where that is known."""
        return min(limit, self._count)

    def stop(self) -> None:
        """Let no further item be started."""
        self._stopped = True

    def results(self) -> list[T]:
        """The results in the items' order. Raises an ExceptionGroup of every failure."""
        if self._failures:
            raise ExceptionGroup(f"{len(self._failures)} of the items failed", self._failures)
        return [self._done[index] for index in sorted(self._done)]

    def _take(self) -> tuple[int, Item] | None:
        with self._lock:
            return None if self._stopped else next(self._left, None)
