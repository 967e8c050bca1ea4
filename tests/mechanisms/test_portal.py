"""The portal: one loop in one thread, and what happens to the coroutine when its caller is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest

from rookery.base.errors import Closed
from rookery.mechanisms.portal import Portal
from tests.patience import PATIENCE


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    yield portal
    portal.close()


async def thread_name() -> str:
    return threading.current_thread().name


def test_it_has_no_thread_until_it_is_used(portal: Portal) -> None:
    before = threading.active_count()
    Portal().close()
    assert threading.active_count() == before
    assert portal.call(thread_name) == "rookery-portal"


def test_all_threads_share_one_loop(portal: Portal) -> None:
    async def loop() -> int:
        return id(asyncio.get_running_loop())

    with ThreadPoolExecutor(8) as pool:
        loops = {future.result() for future in [pool.submit(portal.call, loop) for _ in range(50)]}
    assert len(loops) == 1


def test_an_interrupt_cancels_the_coroutine_and_waits_for_its_clean_end(portal: Portal) -> None:
    happened: list[str] = []
    main_thread = threading.get_ident()

    async def work() -> None:
        signal.pthread_kill(main_thread, signal.SIGINT)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # cleaning up takes its time
            happened.append("cleaned up")
            raise

    with pytest.raises(KeyboardInterrupt):
        portal.call(work)
    assert happened == ["cleaned up"]


def test_what_the_coroutine_raises_is_raised(portal: Portal) -> None:
    async def fail() -> NoReturn:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        portal.call(fail)


def test_closing_cancels_what_still_runs(portal: Portal) -> None:
    waiting = threading.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.sleep(60)

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(portal.call, wait)
        waiting.wait()
        portal.close()
        assert isinstance(call.exception(), asyncio.CancelledError)


def test_a_call_beside_a_close_is_answered_refused_or_cancelled_and_never_forgotten() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    def call_for_ever(portal: Portal) -> None:
        while True:
            assert portal.call(answer) == 42

    def call_until_closed(portal: Portal) -> None:
        with pytest.raises((Closed, asyncio.CancelledError)):
            call_for_ever(portal)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            portal = Portal()
            portal.call(answer)
            calling = [pool.submit(call_until_closed, portal) for _ in range(4)]
            portal.close()
            for call in calling:
                call.result(PATIENCE)


def test_its_own_loop_is_told_to_await_instead(portal: Portal) -> None:
    async def call_again() -> str:
        return portal.call(thread_name)

    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        portal.call(call_again)


def test_a_forked_child_gets_a_thread_of_its_own(portal: Portal) -> None:
    portal.call(thread_name)
    child = os.fork()
    if child == 0:
        os._exit(0 if portal.call(thread_name) == "rookery-portal" else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
