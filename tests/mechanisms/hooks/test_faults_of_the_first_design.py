"""An earlier design of asynchronous hooks had these faults, each reproduced on its own code. Not here."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from rookery.base.errors import Closed
from rookery.mechanisms.hooks import (
    AsyncHookManager,
    Error,
    Hooks,
    HookSettings,
    Item,
    hooks_from,
)
from rookery.mechanisms.runner import Runner
from rookery.mechanisms.writebehind import QueueClosed, RetryPolicy, TransientError
from tests.mechanisms.hooks.child import saving_in
from tests.mechanisms.runner.tools import Emits, Sighting, Table, sightings

ROOT = Path(__file__).parents[3]


def batched(*functions: Any, event: str = "on_item", **config: Any) -> Hooks:
    """These functions, each in batches."""
    names = [function.__name__ for function in functions]
    return hooks_from({event: functions}, batch_config=dict.fromkeys(names, config))


def of(runner: Runner, kind: type[Item]) -> list[Any]:
    return [item for item in runner if isinstance(item, kind)]


def test_3_two_hooks_of_one_event_each_get_everything() -> None:
    """It kept one queue per event and the first hook's function: the second was silently dead."""
    first_got: list[Item] = []
    second_got: list[Item] = []

    def first(runner: Runner, items: list[Item]) -> None:
        first_got.extend(items)

    def second(runner: Runner, items: list[Item]) -> None:
        second_got.extend(items)

    items = sightings(10)
    Emits(items, hooks=batched(first, second)).run()
    assert first_got == second_got == items


def test_3_closures_of_one_factory_are_different_hooks() -> None:
    """They share module and qualified name; each has its queue, its figures and its spool all the same."""

    def saving_to(place: list[Item]) -> Any:
        def save(runner: Runner, items: list[Item]) -> None:
            place.extend(items)

        return save

    places: list[list[Item]] = [[], []]
    summary = Emits(sightings(10), hooks=batched(*map(saving_to, places))).run()
    assert [len(place) for place in places] == [10, 10]
    assert len(summary.hooks) == 2


@pytest.mark.parametrize("is_batched", [True, False])
def test_4_async_def_hooks_are_awaited(is_batched: bool) -> None:
    """It created the coroutine and dropped it: nothing saved, no error."""
    saved: list[Item] = []

    async def save(runner: Runner, items: Any) -> None:
        await asyncio.sleep(0)
        saved.extend(items if is_batched else [items])

    items = sightings(10)
    Emits(items, hooks=batched(save) if is_batched else {"on_item": save}).run()
    assert saved == items


def test_4_a_plain_function_that_returns_a_coroutine_is_awaited_too() -> None:
    saved: list[Item] = []

    async def save(item: Item) -> None:
        await asyncio.sleep(0)
        saved.append(item)

    items = sightings(3)
    Emits(items, hooks={"on_item": lambda _, item: save(item)}).run()
    assert saved == items


def test_5_one_bad_item_costs_only_itself(tmp_path: Path) -> None:
    """It lost the 99 others; the error named no id. Here the poison item is found, named and kept."""
    table = Table(tmp_path / "items.db")

    def save(runner: Runner, items: list[Item]) -> None:
        if any(isinstance(item, Sighting) and item.number == 42 for item in items):
            raise ValueError("cannot store 42")
        table.upsert(items)

    items = sightings(100)
    runner = Emits(items, hooks=batched(save), spool=tmp_path / "spool")
    (error,) = of(runner, Error)
    assert error.ids == [items[42]._uuid]
    assert "cannot store 42 (dead letters)" in error.message
    assert len(table.rows()) == 99
    assert len(list((tmp_path / "spool").rglob("dead.jsonl"))) == 1


def test_6_identity_is_made_before_submitting_and_never_changes(tmp_path: Path) -> None:
    """It minted ids in the writer: a finding and its update became two documents."""
    table = Table(tmp_path / "items.db")

    def save(runner: Runner, items: list[Item]) -> None:
        table.upsert(items)

    def forward(runner: Runner, item: Item) -> None:
        if isinstance(item, Sighting) and not item._context.get("forwarded"):
            runner.emit(Sighting(url=item.url + "#", _uuid=item._uuid, _context={"forwarded": True}))

    item = Sighting(url="a")
    born_as = item._uuid
    runner = Emits([item], hooks=hooks_from({"on_item": forward}) + batched(save))
    yielded = list(runner)
    assert {each._uuid for each in yielded} == {born_as} == set(table.rows())


def test_7_items_without_an_identity_do_not_replace_each_other() -> None:
    """It took the empty `_uuid` of 50 items for one key, and delivered one."""
    delivered: list[Item] = []

    def save(runner: Runner, items: list[Item]) -> None:
        delivered.extend(items)

    Emits([Sighting(url=str(n), _uuid="") for n in range(50)], hooks=batched(save)).run()
    assert len(delivered) == 50


def child_that(end: str, folder: Path) -> list[str]:
    script = f"from tests.mechanisms.hooks.child import *; main(Path({str(folder)!r}), {end})"
    return [sys.executable, "-c", script]


def test_10_sigkill_loses_nothing_that_was_submitted(tmp_path: Path) -> None:
    """It had 100 of 5,050 rows after SIGTERM. Here the next run with the hook delivers what was left."""
    table = Table(tmp_path / "items.db")
    with subprocess.Popen(child_that("wait", tmp_path), stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        acknowledged = {child.stdout.readline().strip() for _ in range(5_050)}
        child.kill()
    assert table.rows() == {}
    Emits([], hooks=saving_in(table), spool=tmp_path / "spool").run()
    assert acknowledged == set(table.rows())


def test_10_exiting_in_the_middle_of_a_run_loses_nothing(tmp_path: Path) -> None:
    """It lost the last partial batch on sys.exit; here even os._exit leaves everything in the spool."""
    table = Table(tmp_path / "items.db")
    subprocess.run(child_that("leave", tmp_path), check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    assert table.rows() == {}
    Emits([], hooks=saving_in(table), spool=tmp_path / "spool").run()
    assert len(table.rows()) == 5_050


def test_11_what_hooks_emit_at_the_very_end_is_delivered() -> None:
    """It flushed before on_end: items of on_end, and of hooks during the flush, were lost."""
    delivered: list[str] = []

    def save(runner: Runner, items: list[Sighting]) -> None:
        for item in items:
            delivered.append(item.url)
            if item.url == "from on_end":
                runner.emit(Sighting(url="from the flush"))

    hooks = batched(save) + hooks_from({"on_end": lambda runner: runner.emit(Sighting(url="from on_end"))})
    summary = Emits([Sighting(url="a")], hooks=hooks).run()
    assert delivered == ["a", "from on_end", "from the flush"]
    assert summary.status == "success"


def test_11_submitting_after_close_is_refused_loudly() -> None:
    """It dropped the item, or raised a RuntimeError of its thread pool."""

    def save(runner: Runner, items: list[Item]) -> None: ...

    async def late() -> None:
        manager = AsyncHookManager(None, functions)
        await manager.close()
        with pytest.raises(QueueClosed):
            await manager.submit(functions[0], Sighting(url="late"))

    functions = batched(save).functions
    with asyncio.Runner() as loop:
        loop.run(late())
    runner = Emits([])
    runner.run()
    with pytest.raises(Closed):
        runner.emit(Sighting(url="late"))


def test_11_a_hook_that_never_stops_emitting_cannot_keep_the_run_alive() -> None:
    def save(runner: Runner, items: list[Sighting]) -> None:
        runner.emit(Sighting(url=items[0].url + "+"))

    summary = Emits([Sighting(url="a")], hooks=batched(save)).run()
    assert summary.status == "failure"
    assert "emitted too late" in summary.messages[-1]


def test_12_hooks_see_the_item_as_it_was_submitted() -> None:
    """It kept a reference: the hook saw what was changed later."""
    seen: list[Any] = []

    def save(runner: Runner, items: list[Sighting]) -> None:
        seen.extend((item.url, item._context["deep"]) for item in items)

    def change(runner: Runner, item: Sighting) -> None:
        item.url = "mutated later"
        item._context["deep"].append("mutated later")

    hooks = batched(save) + hooks_from({"on_item": change})
    Emits([Sighting(url="a", _context={"deep": [1]})], hooks=hooks).run()
    assert seen == [("a", [1])]


COPIES: list[Runner] = []


def copy_the_runner(runner: Runner, item: Item) -> None:
    COPIES.append(pickle.loads(pickle.dumps(runner)))  # noqa: S301 - our own bytes


def store_nothing(runner: Runner, items: list[Item]) -> None:
    """A batched hook that can be imported, as those of a pickled runner must be."""


def test_13_a_runner_can_be_pickled_while_its_queues_work() -> None:
    """It could not: `cannot pickle '_queue.SimpleQueue'`."""
    COPIES.clear()
    summary = Emits(
        sightings(3), hooks=hooks_from({"on_item": copy_the_runner}) + batched(store_nothing)
    ).run()
    assert summary.errors == 0
    assert [copy.summary for copy in COPIES] == [None, None, None]
    assert [function.call for function in COPIES[0].hooks.functions] == [copy_the_runner, store_nothing]


def test_14_sqlite_gets_every_row_whatever_the_pool_size(tmp_path: Path) -> None:
    """It wrote batches of one connection from four threads: rows missing beyond those reported."""
    table = Table(tmp_path / "items.db")
    threads: set[int] = set()

    def save(runner: Runner, items: list[Item]) -> None:
        threads.add(threading.get_ident())
        table.upsert(items)

    summary = Emits(sightings(5_000), hooks=batched(save), settings=HookSettings(pool_size=4)).run()
    assert len(table.rows()) == 5_000
    assert summary.errors == 0
    assert len(threads) == 1, "one writer per hook: batches neither overtake nor meet each other"


def test_15_each_failure_is_reported_once_and_stored() -> None:
    """Its flush returned the same growing list; the errors reached no storage."""
    stored: list[Item] = []

    def store(runner: Runner, items: list[Item]) -> None:
        stored.extend(items)

    def refuse(runner: Runner, items: list[Item]) -> None:
        raise ValueError("never")

    items = sightings(30)
    settings = HookSettings(retry=RetryPolicy(patience=0))
    runner = Emits(items, hooks=batched(store) + batched(refuse), settings=settings)
    errors = of(runner, Error)
    assert sum(error.count for error in errors) == 30
    assert sorted(uuid for error in errors for uuid in error.ids) == sorted(item._uuid for item in items)
    assert [item for item in stored if isinstance(item, Error)] == errors


def test_16_the_summary_shows_deliveries_retries_and_dead_letters_of_each_hook() -> None:
    """It had no figures, retried nothing, kept nothing."""
    tries: list[int] = []

    def flaky(runner: Runner, items: list[Sighting]) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise TransientError("not now")

    def picky(runner: Runner, items: list[Sighting]) -> None:
        if items[0]._type == "sighting" and any(item.number == 3 for item in items):
            raise ValueError("not this one")

    summary = Emits(sightings(10), hooks=batched(flaky) + batched(picky)).run()
    (flaky_stats,) = (stats for name, stats in summary.hooks.items() if name.endswith("flaky"))
    (picky_stats,) = (stats for name, stats in summary.hooks.items() if name.endswith("picky"))
    assert flaky_stats.retries >= 1
    assert (flaky_stats.dead, picky_stats.dead) == (0, 1)
    assert picky_stats.delivered == 9
