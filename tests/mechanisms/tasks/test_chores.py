"""What workers do beside tasks: as often as it wants, whatever is wrong with another of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from rookery import app
from rookery.base.clock import now_us
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.registry import Chore
from rookery.mechanisms.tasks.worker.chores import REST_SECONDS, Chores
from tests.patience import PATIENCE

NEVER = 3600.0


class Calls:
    """A chore that counts its calls; it answers, or raises, what it is given for each of them."""

    def __init__(self, *answers: Callable[[], int | None]) -> None:
        self._answers = iter(answers)
        self._made: SimpleQueue[float] = SimpleQueue()

    def __call__(self, _rook: Rook) -> int | None:
        self._made.put(time.monotonic())
        return next(self._answers, lambda: None)()

    def next(self) -> float:
        """When it was called, once it has been."""
        return self._made.get(timeout=PATIENCE)

    def were_all(self) -> bool:
        """Whether it was not called again."""
        return self._made.empty()


def test_each_is_called_at_once_and_again_and_again(sqlite_rook: app.Rook) -> None:
    calls = Calls()
    with Chores(sqlite_rook, [Chore(name="looks", act=calls, every=0.01)]):
        for _ in range(3):
            calls.next()


def test_one_is_called_earlier_when_it_says_so_and_not_before(sqlite_rook: app.Rook) -> None:
    calls = Calls(lambda: now_us() + 300_000, lambda: None)
    with Chores(sqlite_rook, [Chore(name="looks", act=calls, every=NEVER)]):
        first, second = calls.next(), calls.next()
    assert second - first >= 0.3
    assert calls.were_all()


def test_one_that_is_always_late_rests_nevertheless(sqlite_rook: app.Rook) -> None:
    late = Calls(*[lambda: now_us() - 1] * 3)
    with Chores(sqlite_rook, [Chore(name="late", act=late, every=NEVER)]):
        first, second, third = late.next(), late.next(), late.next()
    assert second - first >= REST_SECONDS <= third - second


def test_one_that_takes_long_keeps_no_other_waiting(sqlite_rook: app.Rook) -> None:
    is_over = threading.Event()
    slow, calls = Calls(lambda: is_over.wait(PATIENCE) or None), Calls()
    chores = [Chore(name="slow", act=slow, every=NEVER), Chore(name="looks", act=calls, every=0.01)]
    with Chores(sqlite_rook, chores):
        slow.next()
        for _ in range(3):
            calls.next()
        is_over.set()


def failing() -> int | None:
    raise ValueError("no more")


def test_one_that_fails_is_done_again_and_complained_about_once(
    sqlite_rook: app.Rook, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Calls(failing, failing, failing), Calls()
    chores = [Chore(name="bad", act=bad, every=0.01), Chore(name="good", act=good, every=0.01)]
    with caplog.at_level(logging.WARNING), Chores(sqlite_rook, chores):
        for _ in range(5):
            bad.next()
        good.next()
    assert [record.getMessage() for record in caplog.records] == ["bad fails, and is tried again: no more"]


def test_a_worker_does_those_of_its_types_until_it_stops(sqlite_rook: app.Rook) -> None:
    calls = Calls()
    sqlite_rook.queue.types.chores = (Chore(name="looks", act=calls, every=0.01),)
    worker = app.worker_of(sqlite_rook)
    thread = threading.Thread(target=worker.run)
    thread.start()
    calls.next()
    worker.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert "rookery-looks" not in {each.name for each in threading.enumerate()}
