"""The ways to run a runner, its modes, and its ends."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rookery.base.errors import Closed, Invalid
from rookery.mechanisms.hooks import Hooks, Info, Item, Raw, hooks_from, load_hooks
from rookery.mechanisms.runner import CommandRunner, InsideALoop, Runner, RunsOnce
from tests.mechanisms.runner.tools import Emits, PrintsJson, Sighting, Table, Trace, sightings

ROOT = Path(__file__).parents[3]


def batched_hook(table: Table) -> Hooks:
    def store(runner: Runner, items: list[Item]) -> None:
        table.upsert(items)

    return hooks_from({"on_item": store}, async_hooks=["store"])


async def as_list(runner: Runner) -> list[Item]:
    return [item async for item in runner]


def in_a_loop(coroutine: Any) -> Any:
    with asyncio.Runner() as loop:
        return loop.run(coroutine)


def test_for_and_async_for_and_run_see_the_same() -> None:
    items = sightings(300)
    assert list(Emits(items)) == items
    assert in_a_loop(as_list(Emits(sightings(300)))) != []
    assert Emits(sightings(300)).run().counts == {"sighting": 300}


def test_a_plain_run_inside_an_event_loop_is_refused() -> None:
    async def inside() -> None:
        with pytest.raises(InsideALoop, match="async for"):
            Emits([]).run()
        with pytest.raises(InsideALoop, match="async for"):
            list(Emits([]))

    in_a_loop(inside())


def test_a_runner_runs_once() -> None:
    runner = Emits([])
    runner.run()
    with pytest.raises(RunsOnce):
        runner.run()


def test_a_runner_runs_once_also_when_asked_twice_at_the_same_time() -> None:
    async def twice() -> list[Any]:
        return list(await asyncio.gather(runner.arun(), runner.arun(), return_exceptions=True))

    runner = Emits([])
    assert sorted(type(outcome).__name__ for outcome in in_a_loop(twice())) == ["RunsOnce", "Summary"]


def test_emitting_outside_a_run_is_refused_loudly() -> None:
    runner = Emits([])
    with pytest.raises(Closed, match="reach nobody"):
        runner.emit(Sighting(url="early"))
    runner.run()
    with pytest.raises(Closed, match="reach nobody"):
        runner.emit(Sighting(url="late"))


def test_items_are_adopted_by_their_run() -> None:
    runner = Emits([Sighting(url="a", _context={"scan": "own"})], context={"scan": "s1", "project": "p"})
    (item,) = runner
    assert item._source == "Emits"
    assert item._context == {"run_id": runner.run_id, "scan": "own", "project": "p"}


def test_an_item_emitted_twice_is_a_duplicate() -> None:
    """By its identity from birth, or by the content its type declares; hooks of on_duplicate hear of it."""
    first = Sighting(url="a", number=1)
    trace = Trace()
    same_content = Sighting(url="a", number=2)
    runner = Emits([first, first, same_content, Info(message="x"), Info(message="x")], hooks=trace.table())
    assert [item._type for item in runner] == ["sighting", "info", "info"]
    assert trace.of("on_duplicate") == [first, same_content]
    assert runner.summary is not None
    assert runner.summary.duplicates == 2


def test_a_dry_run_says_what_it_would_do_and_calls_no_hook(tmp_path: Path) -> None:
    trace = Trace()
    argv = [sys.executable, "-c", f"open({str(tmp_path / 'made')!r}, 'w')"]
    runner = CommandRunner(argv, ["t"], hooks=trace.table(), dry_run=True)
    (said,) = runner
    assert isinstance(said, Info)
    assert sys.executable in said.message
    assert trace.calls == []
    assert not (tmp_path / "made").exists()


def test_without_processing_everything_passes_as_it_is() -> None:
    trace = Trace()
    runner = Emits([{"url": "a"}, {"url": "a"}], targets=["t"], hooks=trace.table(), process=False)
    assert [item.value for item in runner if isinstance(item, Raw)] == [{"url": "a"}, {"url": "a"}]
    assert trace.calls == []


def test_leaving_the_loop_ends_the_run_in_order(tmp_path: Path) -> None:
    table = Table(tmp_path / "items.db")
    ended: list[Runner] = []
    runner = Emits(sightings(1_000), hooks=batched_hook(table) + hooks_from({"on_end": ended.append}))
    for item in runner:
        taken = item
        break
    assert runner.summary is not None
    assert runner.summary.status == "interrupted"
    assert taken._uuid in table.rows()
    assert len(table.rows()) == runner.summary.counts["sighting"]
    assert ended == [runner]


def test_cancelling_flushes_and_then_cancels(tmp_path: Path) -> None:
    table = Table(tmp_path / "items.db")

    class Endless(Runner):
        async def produce(self) -> AsyncIterator[Item]:
            for item in sightings(150):
                yield item
            all_out.set()
            await asyncio.sleep(3600)

    async def cancelled() -> None:
        task = asyncio.create_task(runner.arun())
        await all_out.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    all_out = asyncio.Event()
    runner = Endless(hooks=batched_hook(table))
    in_a_loop(cancelled())
    assert runner.summary is not None
    assert runner.summary.status == "interrupted"
    assert len(table.rows()) == 150


@pytest.mark.parametrize("way", ["run", "for"])
def test_ctrl_c_ends_with_everything_flushed_and_a_summary(tmp_path: Path, way: str) -> None:
    """A real SIGINT to this process, in the middle of a run that would never end by itself."""
    table = Table(tmp_path / "items.db")

    def interrupt(runner: Runner) -> None:
        if produced and not sent and table.rows():
            sent.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    class Endless(Runner):
        async def produce(self) -> AsyncIterator[Item]:
            for item in sightings(150):
                yield item
            produced.append(True)
            await asyncio.sleep(3600)

    sent: list[bool] = []
    produced: list[bool] = []
    runner = Endless(hooks=batched_hook(table) + hooks_from({"on_interval": interrupt}), interval=0.02)
    if way == "run":
        assert runner.run().status == "interrupted"
    else:
        with pytest.raises(KeyboardInterrupt):
            list(runner)
    assert runner.summary is not None
    assert runner.summary.status == "interrupted"
    assert len(table.rows()) == 150


IMPATIENT = """
import asyncio, sys
from pathlib import Path
from rookery.mechanisms.hooks import HookSettings, hooks_from
from tests.mechanisms.runner.tools import Emits, sightings

async def hang(runner, items):
    print("delivering", flush=True)
    await asyncio.sleep(3600)

def on_end(runner):
    print("ending", flush=True)

hooks = hooks_from({"on_item": hang, "on_end": on_end}, batch_config={"hang": {"batch_size": 1}})
runner = Emits(sightings(3), hooks=hooks, settings=HookSettings(drain_timeout=None), spool=Path(sys.argv[1]))
summary = runner.run()
print(summary.status, summary.messages[0])
"""


def test_ctrl_c_while_sinks_are_waited_for_ends_the_waiting(tmp_path: Path) -> None:
    """The sink would take an hour; what it has not got stays in the spool."""
    command = [sys.executable, "-c", IMPATIENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        assert {child.stdout.readline() for _ in range(2)} == {"ending\n", "delivering\n"}
        child.send_signal(signal.SIGINT)
        said = child.stdout.read()
    assert said.startswith("interrupted ")
    assert "3 item(s) were not delivered in time; they stay in the spool" in said


def test_runs_in_any_thread() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(len(list(Emits(sightings(100))))))
    thread.start()
    thread.join()
    assert results == [100]


def test_a_pickled_runner_is_whole_before_during_and_after(tmp_path: Path) -> None:
    """Its live part, queues and loop, stays behind; a copy made during the run has not run yet."""
    copies: list[bytes] = []
    script = tmp_path / "notes.py"
    script.write_text(
        "def on_start(runner):\n"
        "    with open(runner.context['notes'], 'a') as notes:\n"
        "        notes.write('started\\n')\n"
    )
    hooks = load_hooks(script) + hooks_from({"on_item": upper_case}, async_hooks=["upper_case"])
    notes = tmp_path / "notes"
    runner = PrintsJson(
        [sys.executable, "-c", 'print(\'{"url": "a"}\')'], hooks=hooks, context={"notes": str(notes)}
    )
    copies.append(pickle.dumps(runner))
    copies.extend(pickle.dumps(runner) for _ in runner)
    copies.append(pickle.dumps(runner))
    before, during, after = (pickle.loads(copy) for copy in copies)  # noqa: S301 - our own bytes
    assert before.run().counts == during.run().counts == {"sighting": 1}
    assert after.summary == runner.summary
    assert notes.read_text() == "started\n" * 3


def upper_case(runner: Runner, items: list[Sighting]) -> None:
    for item in items:
        item.url = item.url.upper()


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_an_impossible_interval_is_refused(interval: float) -> None:
    with pytest.raises(Invalid, match="interval"):
        Emits([], interval=interval)


def test_a_runner_that_cannot_produce_says_what_is_missing() -> None:
    summary = Runner().run()
    assert summary.status == "failure"
    assert "must define produce()" in summary.messages[0]
