"""The loop of `async def` hooks: it ends when the run ends, whatever the hooks do."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rookery.mechanisms.hooks import loop as module
from rookery.mechanisms.hooks.loop import HookLoop
from rookery.mechanisms.writebehind import TransientError
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDING_UP", 0.1)


def test_a_hook_that_blocks_the_loop_does_not_keep_a_run_from_ending() -> None:
    loop, entered, gate = HookLoop(), threading.Event(), threading.Event()

    async def blocks() -> None:
        entered.set()
        gate.wait(PATIENCE)  # as a hook would with time.sleep() or a blocking client

    waiting = threading.Thread(target=loop.wait, args=(blocks(),))
    waiting.start()
    assert entered.wait(PATIENCE)
    loop.close()
    assert waiting.is_alive()
    gate.set()
    waiting.join(PATIENCE)


def test_a_hook_that_only_waits_is_cut_short_and_its_items_are_not_refused() -> None:
    loop, entered, said = HookLoop(), threading.Event(), list[BaseException]()

    async def waits() -> None:
        entered.set()
        await asyncio.sleep(PATIENCE)

    def deliver() -> None:
        try:
            loop.wait(waits())
        except TransientError as error:
            said.append(error)

    waiting = threading.Thread(target=deliver)
    waiting.start()
    assert entered.wait(PATIENCE)
    loop.close()
    waiting.join(PATIENCE)
    assert [str(error) for error in said] == ["the run ended before the hook answered"]
