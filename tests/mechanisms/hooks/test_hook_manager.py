"""Delivery to batched hooks: how many at a time, when, and what happens when the time is up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rookery.base.redact import register_secret
from rookery.mechanisms.hooks import (
    AsyncHookManager,
    Error,
    Failures,
    HookError,
    HookSettings,
    Item,
    described,
    hooks_from,
    recover,
)
from rookery.mechanisms.hooks.failures import DETAIL, KINDS, LISTED_IDS, MESSAGE
from rookery.mechanisms.runner import Runner
from rookery.mechanisms.writebehind import RetryPolicy, has_leftovers
from tests.mechanisms.runner.tools import Emits, Sighting, Table, sightings
from tests.patience import PATIENCE


class Crowd:
    """Batched hooks that note how many of them run at the same time; they wait until `size` of them do."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._size = size
        self._present = 0
        self._is_complete = threading.Event()
        self.most = 0

    def hook(self, name: str) -> Any:
        def deliver(runner: Runner, items: list[Item]) -> None:
            with self._lock:
                self._present += 1
                self.most = max(self.most, self._present)
                if self._present == self._size:
                    self._is_complete.set()
            self._is_complete.wait(PATIENCE)
            time.sleep(0.05)  # time enough for one too many to come in
            with self._lock:
                self._present -= 1

        deliver.__name__ = deliver.__qualname__ = name
        return deliver


@pytest.mark.parametrize("pool_size", [1, 2, 5])
def test_pool_size_bounds_how_many_hooks_deliver_at_the_same_time(pool_size: int) -> None:
    crowd = Crowd(pool_size)
    functions = [crowd.hook(f"hook{number}") for number in range(5)]
    hooks = hooks_from({"on_item": functions}, async_hooks=[function.__name__ for function in functions])
    Emits(sightings(1), hooks=hooks, settings=HookSettings(pool_size=pool_size)).run()
    assert crowd.most == pool_size


@pytest.mark.parametrize("settings", [{"pool_size": 0}, {"batch_size": 0}, {"batch_interval": -1.0}])
def test_a_zero_that_makes_no_sense_is_refused(settings: dict[str, Any]) -> None:
    """In the first design `x or default` turned it into the default."""
    with pytest.raises(HookError, match="hooks"):
        HookSettings(**settings)


def test_an_interval_of_zero_delivers_at_once() -> None:
    delivered = threading.Event()

    def store(runner: Runner, items: list[Item]) -> None:
        delivered.set()

    class Waits(Emits):
        async def produce(self) -> Any:
            yield Sighting(url="a")
            yield Sighting(url=str(await asyncio.to_thread(delivered.wait, 10)))

    hooks = hooks_from({"on_item": store}, batch_config={"store": {"batch_interval": 0}})
    assert [item.url for item in Waits([], hooks=hooks) if isinstance(item, Sighting)] == ["a", "True"]


def test_an_interval_delivers_a_partial_batch_while_the_run_goes_on() -> None:
    """In the first design the timer never fired: a partial batch waited for the end of the run."""
    delivered = [threading.Event(), threading.Event()]

    def store(runner: Runner, items: list[Sighting]) -> None:
        for item in items:
            delivered[item.number].set()

    class Waits(Emits):
        async def produce(self) -> Any:
            for number in (0, 1):  # the second after an idle time, when the first design's timer had died
                yield Sighting(url=str(number), number=number)
                assert await asyncio.to_thread(delivered[number].wait, PATIENCE)

    hooks = hooks_from({"on_item": store}, batch_config={"store": {"batch_interval": 0.05}})
    assert Waits([], hooks=hooks).run().status == "success"


HANGING = HookSettings(drain_timeout=0.3)


async def hang(runner: Runner, items: list[Item]) -> None:
    await asyncio.sleep(3600)


def closure(deliver: Callable[[list[Item]], Awaitable[object]]) -> Any:
    """One of several hooks that share their qualified name."""

    async def hook(runner: Runner | None, items: list[Item]) -> None:
        await deliver(items)

    return hook


def test_recovery_finds_the_spools_of_closures_that_share_their_name(tmp_path: Path) -> None:
    async def never(_items: list[Item]) -> None:
        await asyncio.sleep(3600)

    kept: list[list[Item]] = [[], []]

    def keep(which: int) -> Any:
        async def extend(items: list[Item]) -> None:
            kept[which].extend(items)

        return closure(extend)

    stuck = hooks_from({"on_item": [closure(never), closure(never)]}, async_hooks=["hook"])
    Emits(sightings(3), hooks=stuck, settings=HANGING, spool=tmp_path).run()
    end = time.monotonic() + PATIENCE
    while any(has_leftovers(spool) for spool in tmp_path.iterdir()) and time.monotonic() < end:
        # more than once, for on a busy machine the hung run lets go of its spools later than it ends
        recover(hooks_from({"on_item": [keep(0), keep(1)]}, async_hooks=["hook"]), tmp_path)
    assert [len(items) for items in kept] == [3, 3]
    assert not any(has_leftovers(spool) for spool in tmp_path.iterdir())


def test_a_sink_that_hangs_cannot_hold_the_end_of_a_run_for_ever(tmp_path: Path) -> None:
    """With a spool nothing is lost: the next run with that hook delivers it."""
    hooks = hooks_from({"on_item": hang}, async_hooks=["hang"])
    items = sightings(3)
    summary = Emits(items, hooks=hooks, settings=HANGING, spool=tmp_path).run()
    assert summary.status == "failure"
    assert "stay in the spool" in summary.messages[0]
    table = Table(tmp_path / "items.db")

    def now_it_works(runner: Runner, items: list[Item]) -> None:
        table.upsert(items)

    now_it_works.__module__, now_it_works.__qualname__ = hang.__module__, hang.__qualname__
    hooks = hooks_from({"on_item": now_it_works}, async_hooks=["now_it_works"])
    Emits([], hooks=hooks, spool=tmp_path).run()
    assert set(table.rows()) == {item._uuid for item in items}


def test_what_a_hanging_sink_loses_without_a_spool_is_named() -> None:
    hooks = hooks_from({"on_item": hang}, async_hooks=["hang"])
    summary = Emits(sightings(3), hooks=hooks, settings=HANGING).run()
    assert summary.errors == 3
    assert "(lost)" in summary.messages[0]


def test_an_item_that_json_cannot_say_is_an_error_with_its_id() -> None:
    def store(runner: Runner, items: list[Item]) -> None: ...

    item = Sighting(url="a", _context={"socket": object()})
    runner = Emits([item], hooks=hooks_from({"on_item": store}, async_hooks=["store"]))
    errors = [each for each in runner if isinstance(each, Error)]
    assert errors[0].ids == [item._uuid]
    assert "TypeError" in errors[0].message


def test_without_room_for_the_spool_items_are_delivered_at_once_and_an_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file is in the way")
    delivered: list[Item] = []

    def store(runner: Runner, items: list[Item]) -> None:
        delivered.extend(items)

    items = sightings(5)
    hooks = hooks_from({"on_item": store}, async_hooks=["store"])
    runner = Emits(items, hooks=hooks, spool=tmp_path / "spool")
    errors = [item for item in runner if isinstance(item, Error)]
    assert [item for item in delivered if isinstance(item, Sighting)] == items
    assert [uuid for error in errors for uuid in error.ids] == [item._uuid for item in items]
    assert "cannot grow: Not a directory" in errors[0].message
    assert "(delivering without it)" in errors[0].message


def test_errors_of_a_manager_are_told_once() -> None:
    def fail(runner: Any, items: list[Item]) -> None:
        raise ValueError("no")

    async def told() -> list[list[Error]]:
        manager = AsyncHookManager(None, functions, settings=HookSettings(retry=RetryPolicy(patience=0)))
        await manager.submit(functions[0], Sighting(url="a"))
        await manager.flush()
        first, second = manager.errors(), manager.errors()
        await manager.close()
        return [first, second]

    functions = hooks_from({"on_item": fail}, async_hooks=["fail"]).functions
    with asyncio.Runner() as loop:
        first, second = loop.run(told())
    assert [error.message.endswith("ValueError: no (dead letters)") for error in first] == [True]
    assert second == []


def test_failures_are_gathered_in_bounded_memory() -> None:
    """Ten thousand failures of two hundred kinds: the first of each of 100 kinds, the rest summed up."""
    failures = Failures()
    for number in range(10_000):
        failures.add(f"hook{number % 200}", ValueError("no"), [str(number)])
    for _ in range(2 * LISTED_IDS):
        failures.add("hook0", ValueError("no"), ["id"])
    first, rest = failures.new(), failures.rest()
    assert len(first) <= KINDS + 1
    assert sum(error.count for error in first + rest) == 10_000 + 2 * LISTED_IDS
    assert max(len(error.ids) for error in rest) == LISTED_IDS


def test_secrets_do_not_reach_error_items() -> None:
    register_secret("hunter2-in-a-hook")
    failures = Failures()
    failures.add("hook", ValueError("login with hunter2-in-a-hook refused"))
    (error,) = failures.new()
    assert "hunter2" not in error.message + error.detail


def test_nor_does_a_part_of_a_secret_where_an_error_is_cut() -> None:
    register_secret(secret := "hunter2-hunter2-hunter2-hunter2")
    in_message = described(ValueError("x" * (MESSAGE - 30) + secret))
    in_detail = described(ValueError(secret + "x" * (DETAIL - 20)))
    assert "hunter2" not in in_message.message + in_detail.detail
