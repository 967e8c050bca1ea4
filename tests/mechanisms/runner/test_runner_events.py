"""The order of a run's events, and what hooks may do to what passes by."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rookery.mechanisms.hooks import DROP, Error, Hooks, Item, Occurrence, Target, hooks_from
from rookery.mechanisms.runner import Runner
from tests.mechanisms.runner.tools import Emits, PrintsJson, Sighting, Trace, sightings

TWO_LINES = "print('{\"url\": \"http://127.0.0.1/a\"}'); print('noise')"


def test_events_of_a_run_in_order() -> None:
    """Nothing is emitted before on_start, raw values are seen before and after converting, on_end is last."""
    trace = Trace()
    Emits([{"url": "a"}, Sighting(url="b")], targets=["t"], hooks=trace.table()).run()
    assert trace.events == [
        *("before_init", "on_init", "on_start", "on_item"),  # the target
        *("on_item_pre_convert", "on_item", "on_item", "on_end"),
    ]


def test_events_of_a_command_in_order() -> None:
    trace = Trace()
    PrintsJson([sys.executable, "-c", TWO_LINES], hooks=trace.table()).run()
    assert trace.events == [
        *("before_init", "on_init", "on_cmd", "on_start"),
        *("on_line", "on_item_pre_convert", "on_item"),
        *("on_line", "on_item_pre_convert"),
        *("on_cmd_done", "on_end"),
    ]


def test_targets_are_emitted_as_items() -> None:
    items = list(Emits([], targets=["http://127.0.0.1/"]))
    assert [item.name for item in items if isinstance(item, Target)] == ["http://127.0.0.1/"]


def test_each_hook_gets_the_result_of_the_one_before() -> None:
    def add_one(runner: Runner, item: Sighting) -> Sighting:
        item.number += 1
        return item

    def replace(runner: Runner, item: Sighting) -> Sighting:
        return Sighting(url=item.url, number=item.number * 10)

    def look(runner: Runner, item: Sighting) -> None:
        """Returns nothing, and so leaves the item as it is."""

    def add_two(runner: Runner, item: Sighting) -> Sighting:
        item.number += 2
        return item

    runner = Emits([Sighting(url="a", number=1)], hooks={"on_item": [add_one, replace, look, add_two]})
    assert [item.number for item in runner if isinstance(item, Sighting)] == [22]


def test_a_dropped_item_is_neither_yielded_nor_counted_nor_shown_to_later_hooks() -> None:
    seen_later: list[int] = []

    def drop_odd(runner: Runner, item: Sighting) -> Any:
        return DROP if item.number % 2 else item

    def later(runner: Runner, item: Sighting) -> None:
        seen_later.append(item.number)

    runner = Emits(sightings(6), hooks={"on_item": [drop_odd, later]})
    assert [item.number for item in runner if isinstance(item, Sighting)] == seen_later == [0, 2, 4]
    assert runner.summary is not None
    assert (runner.summary.counts, runner.summary.dropped) == ({"sighting": 3}, 3)


def test_raw_values_and_lines_can_be_changed_and_dropped() -> None:
    def shout(runner: Runner, line: str) -> Any:
        return DROP if line == "noise" else line.replace("/a", "/b")

    def rename(runner: Runner, raw: dict[str, Any]) -> dict[str, Any]:
        return {"url": raw["url"] + "/c"}

    hooks = {"on_line": shout, "on_item_pre_convert": rename}
    runner = PrintsJson([sys.executable, "-c", TWO_LINES], hooks=hooks)
    assert [item.url for item in runner if isinstance(item, Sighting)] == ["http://127.0.0.1/b/c"]
    assert runner.summary is not None
    assert runner.summary.dropped == 1


def test_on_cmd_changes_the_argument_list() -> None:
    def other(runner: Runner, argv: list[str]) -> list[str]:
        return [*argv[:2], 'print(\'{"url": "changed"}\')']

    runner = PrintsJson([sys.executable, "-c", "raise SystemExit(9)"], hooks={"on_cmd": other})
    assert [item.url for item in runner if isinstance(item, Sighting)] == ["changed"]


@pytest.mark.parametrize(
    ("event", "wrong", "right"),
    [("on_item", True, "or DROP"), ("on_cmd", DROP, "return the argv"), ("on_line", 7, "return the line")],
)
def test_a_useless_result_is_an_error_that_says_what_to_return(event: str, wrong: Any, right: str) -> None:
    def returns_wrong(runner: Runner, value: Any) -> Any:
        return wrong

    runner = PrintsJson([sys.executable, "-c", TWO_LINES], hooks={event: returns_wrong})
    items = list(runner)
    errors = [item for item in items if isinstance(item, Error)]
    assert right in errors[0].message
    assert any(isinstance(item, Sighting) for item in items), "the value is left as it was"


def test_a_failing_hook_stops_neither_the_run_nor_the_hooks_after_it() -> None:
    after: list[Item] = []

    def fails(runner: Runner, item: Item) -> None:
        raise ValueError("no such table")

    def works(runner: Runner, item: Item) -> None:
        after.append(item)

    items = sightings(1_000)
    runner = Emits(items, hooks={"on_item": [fails, works]})
    emitted = list(runner)
    errors = [item for item in emitted if isinstance(item, Error)]
    assert [item for item in after if isinstance(item, Sighting)] == items
    assert len(errors) == 2, "the first at once, the other 999 as one"
    assert errors[0].ids == [items[0]._uuid]
    assert (errors[1].count, len(errors[1].ids)) == (999, 999)
    assert runner.summary is not None
    assert (runner.summary.status, runner.summary.errors) == ("failure", 1_000)


def test_errors_go_to_on_error_and_to_every_on_item_hook_but_the_failing_one() -> None:
    """An error is stored by the same hooks as any item; a broken hook cannot feed on its own errors."""
    stored: list[Item] = []
    heard: list[Error] = []

    def fails(runner: Runner, item: Item) -> None:
        raise ValueError("always")

    def store(runner: Runner, item: Item) -> None:
        stored.append(item)

    def hear(runner: Runner, error: Error) -> None:
        heard.append(error)

    Emits(sightings(1), hooks={"on_item": [fails, store], "on_error": hear}).run()
    assert [type(item) for item in stored] == [Sighting, Error]
    assert heard == stored[1:]


def test_an_exception_of_the_tool_is_an_error_item_and_the_end_is_orderly() -> None:
    trace = Trace()

    class Breaks(Runner):
        async def produce(self) -> AsyncIterator[Item]:
            yield Sighting(url="a")
            raise RuntimeError("the tool broke")

    summary = Breaks(hooks=trace.table()).run()
    assert summary.status == "failure"
    assert summary.messages == ("RuntimeError: the tool broke",)
    assert trace.events[-3:] == ["on_item", "on_error", "on_end"]


def test_the_clock_ticks_while_no_item_comes() -> None:
    class Waits(Runner):
        async def produce(self) -> AsyncIterator[Item]:
            await third_tick.wait()
            yield Sighting(url="at last")

    def count(runner: Runner) -> None:
        ticks.append(1)
        if len(ticks) == 3:
            third_tick.set()

    ticks: list[int] = []
    third_tick = asyncio.Event()
    assert Waits(hooks={"on_interval": count}, interval=0.02).run().counts == {"sighting": 1}


def test_the_clock_ticks_under_a_tool_that_never_waits() -> None:
    trace = Trace()

    def until_ticked() -> Any:
        number = 0
        while not trace.of("on_interval"):
            number += 1
            yield Sighting(url=str(number))

    Emits(until_ticked(), hooks=trace.table(), interval=0.05).run()
    assert trace.events.count("on_interval") >= 1


def test_on_interval_follows_the_clock_and_not_the_items() -> None:
    """The first design called it for every single line and item."""
    trace = Trace()
    Emits(sightings(5_000), hooks=trace.table(), interval=3600).run()
    assert trace.of("on_interval") == []


def test_what_hooks_emit_is_processed_like_any_item() -> None:
    def on_item(runner: Runner, item: Item) -> None:
        if isinstance(item, Sighting) and item.url == "a":
            runner.emit(Sighting(url="from on_item"))

    def on_end(runner: Runner) -> None:
        runner.emit(Sighting(url="from on_end"))

    runner = Emits([Sighting(url="a")], hooks={"on_item": on_item, "on_end": on_end})
    assert [item.url for item in runner if isinstance(item, Sighting)] == ["a", "from on_item", "from on_end"]


def test_methods_named_by_an_event_are_hooks_and_come_first() -> None:
    calls: list[str] = []

    class Own(Emits):
        def on_item(self, _: Item) -> None:
            calls.append("method")

    def function(runner: Runner, item: Item) -> None:
        calls.append("function")

    Own(sightings(1), hooks={"on_item": function}).run()
    assert calls == ["method", "function"]


def test_async_hooks_hear_every_event_in_line_and_in_order() -> None:
    """An `async def` hook is awaited, on one loop, for events with and without an item."""
    trace, loops = Trace(), set[asyncio.AbstractEventLoop]()

    def awaited(call: Any) -> Any:
        async def hook(runner: Runner, *value: Any) -> Any:
            await asyncio.sleep(0)
            loops.add(asyncio.get_running_loop())
            return call(runner, *value)

        return hook

    table = {event: awaited(call) for event, call in trace.table().items()}
    hooks = Hooks(_each(table))
    PrintsJson([sys.executable, "-c", TWO_LINES], hooks=hooks).run()
    assert trace.events == [
        *("before_init", "on_init", "on_cmd", "on_start"),
        *("on_line", "on_item_pre_convert", "on_item"),
        *("on_line", "on_item_pre_convert"),
        *("on_cmd_done", "on_end"),
    ]
    assert len(loops) == 1


def _each(table: dict[str, Any]) -> Any:
    return hooks_from(table).functions


def test_batched_hooks_hear_every_event() -> None:
    """Items and values arrive as they are, events without one as an Occurrence that names them."""
    heard: dict[str, list[Any]] = {}

    def batched(event: str) -> Any:
        def hook(runner: Runner, items: list[Any]) -> None:
            heard.setdefault(event, []).extend(items)

        hook.__name__ = hook.__qualname__ = f"batched_{event}"
        return hook

    events = ["before_init", "on_init", "on_cmd", "on_start", "on_line", "on_item", "on_cmd_done", "on_end"]
    table = {event: batched(event) for event in [*events, "on_item_pre_convert"]}
    hooks = hooks_from(table, async_hooks=[each.__name__ for each in table.values()])
    PrintsJson([sys.executable, "-c", TWO_LINES], hooks=hooks).run()
    assert heard["on_line"] == ['{"url": "http://127.0.0.1/a"}', "noise"]
    assert heard["on_cmd"] == [[sys.executable, "-c", TWO_LINES]]
    assert heard["on_item_pre_convert"] == [{"url": "http://127.0.0.1/a"}, "noise"]
    assert [item.url for item in heard["on_item"]] == ["http://127.0.0.1/a"]
    for event in ("before_init", "on_init", "on_start", "on_cmd_done", "on_end"):
        (occurrence,) = heard[event]
        assert isinstance(occurrence, Occurrence)
        assert occurrence.event == event
