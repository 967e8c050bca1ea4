"""Doing many things beside each other in threads, and being interrupted at it."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rookery.mechanisms import waiting
from rookery.mechanisms.waiting import InThread
from tests.patience import PATIENCE


def test_an_interrupt_starts_nothing_more_and_waits_for_what_runs() -> None:
    main_thread = threading.get_ident()
    started: list[int] = []
    ended: list[int] = []

    def work(number: int) -> None:
        started.append(number)
        if number == 3:
            signal.pthread_kill(main_thread, signal.SIGINT)
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(KeyboardInterrupt):
        InThread().each(work, range(1000), limit=2)
    assert sorted(started) == sorted(ended)
    assert len(started) < 1000


def test_an_interrupt_cancels_what_the_places_wait_for() -> None:
    main_thread, waits = threading.get_ident(), InThread()
    cancelled: list[int] = []

    async def forever(number: int) -> None:
        if number == 1:
            signal.pthread_kill(main_thread, signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    with pytest.raises(KeyboardInterrupt):
        waits.each(lambda number: waits.wait_for(forever, number), [0, 1], limit=2)
    assert sorted(cancelled) == [0, 1]
    waits.close()


def test_an_interrupt_while_places_are_made_cancels_those_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, begun = InThread(), threading.Semaphore(0)

    class Interrupted(ThreadPoolExecutor):
        def submit(self, *args: Any, **kwargs: Any) -> Any:
            super().submit(*args, **kwargs)
            assert begun.acquire(timeout=PATIENCE)
            raise KeyboardInterrupt

    async def forever() -> None:
        begun.release()
        await asyncio.Event().wait()

    monkeypatch.setattr(waiting, "ThreadPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        waits.each(lambda _: waits.wait_for(forever), [0, 1], limit=2)
    waits.close()


def test_there_are_no_more_threads_than_items() -> None:
    before = threading.active_count()
    most = InThread().each(lambda _: threading.active_count() - before, [1, 2, 3], limit=50)
    assert max(most) <= 3


def test_items_may_come_from_a_generator() -> None:
    assert InThread().each(str, (number for number in range(5)), limit=2) == ["0", "1", "2", "3", "4"]


def test_no_items_are_no_work() -> None:
    assert InThread().each(str, [], limit=2) == []
