"""RQ's books: which jobs run, and what became of them, for `rq info` and dashboards."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rq.utils import now

from rookery.mechanisms.tasks.rq.books import Books, Line, Popped
from rookery.mechanisms.tasks.rules import TaskStatus

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.claiming import Claimed
    from rookery.mechanisms.tasks.outcomes import Outcome
    from rookery.mechanisms.tasks.rq.worker import RqWorker

log = logging.getLogger(__name__)

Entry = Callable[[], None]

SEEN_AFTER = 0.05
"""Seconds after which a task is shown as running."""


class Ledger:
    """Writes in a thread of its own: the tasks go on while Redis is away, and what it missed is not made up.

    What ends sooner than anybody could see it run is written down once, as ended. When a job is closed,
    whatever became of it, the worker has a hand free for another.
    """

    def __init__(self, worker: RqWorker) -> None:
        self._worker, self._books = worker, Books(worker)
        self._entries: SimpleQueue[Entry | None] = SimpleQueue()
        self._lines: dict[tuple[str, int], Line] = {}
        self._unseen: deque[Line] = deque()
        self._beat_at = 0.0

    # --- called by the engine

    def began(self, popped: Popped, task: Claimed) -> None:
        """Its task was claimed."""
        line = Line(popped, now(), time.monotonic() + SEEN_AFTER)
        self._entries.put(partial(self._open, (task.id, task.attempt), line))

    def dropped(self, popped: Popped) -> None:
        """Its task was not to be had: it is cancelled, done, another's, or waits for a limit."""
        self._entries.put(partial(self._drop, popped))

    def ended(self, outcome: Outcome, *, is_lost: bool) -> None:
        """The attempt is over; `is_lost` when another worker has the task."""
        self._entries.put(partial(self._end, outcome, is_lost))

    # --- its thread

    def run(self) -> None:
        """Write until closed."""
        self._beat_at = time.monotonic() + self._worker.job_monitoring_interval
        while (entry := self._next()) is not None:
            try:
                entry()
            except RedisError as error:
                log.debug("RQ is not told of a job: %s", error)
            except Exception:
                log.exception("RQ is not told of a job")

    def close(self) -> None:
        """End `run`, when all is written."""
        self._entries.put(None)

    def _next(self) -> Entry | None:
        until = min(self._beat_at, self._unseen[0].seen_at) if self._unseen else self._beat_at
        try:
            return self._entries.get(timeout=max(until - time.monotonic(), 0.0))
        except Empty:
            return self._see if until < self._beat_at else self._beat

    def _open(self, key: tuple[str, int], line: Line) -> None:
        self._lines[key] = line
        self._unseen.append(line)

    def _see(self) -> None:
        self._books.begin(self._unseen.popleft())

    def _beat(self) -> None:
        self._beat_at = time.monotonic() + self._worker.job_monitoring_interval
        self._worker.show()
        for line in self._lines.values():
            self._books.keep(line)

    def _drop(self, popped: Popped) -> None:
        try:
            self._books.drop(popped)
        finally:
            self._worker.load.end()

    def _end(self, outcome: Outcome, is_lost: bool) -> None:
        try:
            self._close(self._lines.pop((outcome.task.id, outcome.task.attempt)), outcome, is_lost)
        finally:
            self._worker.load.end()

    def _close(self, line: Line, outcome: Outcome, is_lost: bool) -> None:
        if line in self._unseen:
            self._unseen.remove(line)
        if not is_lost and outcome.status is TaskStatus.COMPLETED:
            self._books.finish(line)
        elif not is_lost and outcome.status is TaskStatus.FAILED:
            self._books.fail(line, _said(outcome))
        else:
            self._books.forget(line)


def _said(outcome: Outcome) -> str:
    kind = outcome.failure.error if outcome.failure else "Error"
    return f"{kind} in attempt {outcome.task.attempt}: `rookery tasks show {outcome.task.id}` says more."
