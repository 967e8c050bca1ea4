"""Plain functions, each in a thread of the worker."""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress
from contextvars import copy_context
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from rookery.mechanisms.tasks.errors import TaskStopped
from rookery.mechanisms.tasks.worker.job import ACTORS, Batch, Job, Over

if TYPE_CHECKING:
    from rookery.mechanisms.rook import Rook


class Threads:
    """As many threads as there are batches at a time; an idle one is used again."""

    def __init__(self, rook: Rook) -> None:
        self.acting_as = lru_cache(maxsize=ACTORS)(rook.acting_as)
        self._idle: list[_Hand] = []
        self._at_work: dict[Job, _Hand] = {}
        self._lock = threading.Lock()

    def start(self, batch: Batch, over: Over) -> None:
        with self._lock:
            hand = self._idle.pop() if self._idle else _Hand(self)
            self._at_work.update(dict.fromkeys(batch.jobs, hand))
        hand.inbox.put((batch, over))

    def interrupt(self, job: Job) -> None:
        """Raise TaskStopped in its thread, at the next bytecode; what waits in C is not reached by that."""
        with self._lock:
            if (hand := self._at_work.get(job)) is not None:
                hand.throw(job)

    def abandon(self, job: Job) -> None:
        """A thread cannot be killed: it is left alone with what it does, and nobody waits for it."""
        with self._lock:
            if (hand := self._at_work.get(job)) is not None:
                hand.is_abandoned = True

    def close(self) -> None:
        with self._lock:
            for hand in self._idle:
                hand.inbox.put(None)
            self._idle.clear()

    def rest(self, hand: _Hand, batch: Batch) -> bool:
        """The hand is idle; False when it is not wanted any more."""
        with self._lock:
            for job in batch.jobs:
                del self._at_work[job]
            if not hand.is_abandoned:
                self._idle.append(hand)
            return not hand.is_abandoned


class _Hand:
    """One thread, and where it gets its work from."""

    def __init__(self, threads: Threads) -> None:
        self.inbox: SimpleQueue[tuple[Batch, Over] | None] = SimpleQueue()
        self.is_abandoned = False
        self._threads = threads
        self._current: Job | None = None
        self._was_thrown = False
        self._throwing = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="rookery-task", daemon=True)
        self._thread.start()

    def throw(self, job: Job) -> None:
        """Have TaskStopped raised in the thread, if that is what it is doing. Called once for a job."""
        with self._throwing:
            if self._current is job:
                self._was_thrown = True
                self._throw()

    def _throw(self) -> None:
        """In place of one that has been thrown, and has not arrived."""
        ident, kind = ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(TaskStopped)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, kind)

    def _serve(self) -> None:
        is_wanted = True
        while is_wanted and (work := self.inbox.get()) is not None:
            batch, over = work
            while (job := batch.next()) is not None:
                self._do(job)
            is_wanted = self._threads.rest(self, batch)
            over(batch)

    def _do(self, job: Job) -> None:
        with suppress(TaskStopped):  # it is thrown once at most, and may arrive when the function has ended
            with suppress(TaskStopped):
                self._current = job
                copy_context().run(job.attempt, partial(self._call, job))
            self._settle()
        if job.outcome is None:
            job.outcome = job.raised(TaskStopped())

    def _call(self, job: Job, payload: object) -> object:
        return job.kind.function(self._threads.acting_as(job.context.actor), job.context, payload)

    def _settle(self) -> None:
        """From here on nothing is thrown, and what was has arrived."""
        with self._throwing:
            self._current = None
            is_to_arrive, self._was_thrown = self._was_thrown, False
        if is_to_arrive:
            self._await_arrival()

    def _await_arrival(self) -> None:
        """Have it arrive here, if it has not. While one is on its way CPython has no rest at all, and with
        a tracer such as coverage's Python 3.11 stands still; taking it back does not end that."""
        with suppress(TaskStopped):
            self._throw()
            while True:
                pass
