"""One run, live: its stages in order. What cannot be pickled is here, and not in the runner."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from rookery.base.errors import Closed
from rookery.mechanisms.hooks import (
    DROP,
    EMPTY_PLAN,
    AsyncHookManager,
    Dispatcher,
    Error,
    Info,
    Item,
    Raw,
    Target,
    described,
)
from rookery.mechanisms.runner.seen import Seen
from rookery.mechanisms.runner.summary import Status, Summary, Tally

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from rookery.mechanisms.runner.core import Runner

BREATH = 0.005  # seconds after which a run that never waits lets others have the loop
ROUNDS = 10  # a delivery may emit items, which are delivered, which may emit…


class Life:
    """The stages of one run: start, work, finish; `give` gets every item that is emitted."""

    def __init__(self, runner: Runner, give: Callable[[Item], Awaitable[None]]) -> None:
        self._runner = runner
        self._give = give
        self._began = time.monotonic()
        self._breathed = self._began
        plan = runner.hooks.plan_for(type(runner)) if runner.hooked else EMPTY_PLAN
        functions = [each for of_event in plan.values() for each in of_event]
        self.manager = AsyncHookManager(runner, functions, settings=runner.settings, spool=runner.spool)
        self._dispatcher = Dispatcher(plan, self.manager)
        self.fire = self._dispatcher.fire
        self._seen = Seen()
        self._tally = Tally()
        self._emitted: deque[Item] = deque()
        self._clock: asyncio.Task[None] | None = None
        self._ready = False
        self._over = False

    async def run(self) -> None:
        """All stages. When cancelled: the work ends, everything is flushed, the status is `interrupted`.

        Cancelled while it flushes, it waits for no sink any more. The runner gets its summary in any case.
        """
        status: Status = "interrupted"
        try:
            await self._start()
            await self._work()
            status = "success"
        finally:
            await self._finish(status)

    def emit(self, item: Item) -> None:
        """Add an item from anywhere, another thread included; it is processed at the next safe moment."""
        if self._over:
            raise Closed("the run has ended: what is emitted now would reach nobody")
        self._emitted.append(item)

    async def _start(self) -> None:
        runner = self._runner
        await self.fire("before_init")
        await self.fire("on_init")
        self._ready = await self._guarded(runner.prepare())
        await self.fire("on_start")
        self._clock = asyncio.create_task(self._tick())
        if runner.hooked:
            for target in runner.targets:
                await self._item(Target(name=target))
        await self._emit_waiting()

    async def _work(self) -> None:
        if self._runner.dry_run:
            await self._emit(Info(message=f"would run {self._runner.describe()}"))
        elif self._ready:
            await self._guarded(self._produced())

    async def _guarded(self, stage: Awaitable[None]) -> bool:
        """Whether the stage, which is the tool's own code, went well; if not, its error is an item."""
        try:
            await stage
        except Exception as error:  # noqa: BLE001 - a tool may raise anything; the run reports it, and ends in order
            await self._item(described(error))
            return False
        return True

    async def _produced(self) -> None:
        async with aclosing(cast("AsyncGenerator[object]", self._runner.produce())) as produced:
            async for raw in produced:
                await self._take(raw)
                await self._emit_waiting()
                await self._breathe()

    async def _take(self, raw: object) -> None:
        if not self._runner.process:
            await self._emit(raw if isinstance(raw, Item) else Raw(value=raw))
        elif isinstance(raw, Item):
            await self._item(raw)
        else:
            raw = await self.fire("on_item_pre_convert", raw)
            if raw is not DROP:
                await self._converted(raw)

    async def _converted(self, raw: object) -> None:
        for item in self._runner.convert(raw):
            await self._item(item)

    async def _item(self, item: Item) -> None:
        self._adopt(item)
        failed = item.hook if isinstance(item, Error) else ""  # must not be called upon for its own failure
        if self._seen.add(item):
            self._tally.duplicates += 1
            await self.fire("on_duplicate", item)
            return
        kept = await self.fire("on_item", item, skip=failed)
        if kept is DROP:
            return
        if isinstance(kept, Error):
            await self.fire("on_error", kept, skip=failed)
        await self._emit(kept)

    def _adopt(self, item: Item) -> None:
        if not item._source:
            item._source = self._runner.name
        item._context = {**self._runner.context, **item._context}

    async def _emit(self, item: Item) -> None:
        self._tally.count(item)
        await self._give(item)

    async def _breathe(self) -> None:
        # A tool with all its items at hand never waits: without this neither clock nor Ctrl-C had a turn.
        if time.monotonic() - self._breathed > BREATH:
            await asyncio.sleep(0)
            self._breathed = time.monotonic()

    async def _emit_waiting(self) -> None:
        """What hooks have emitted, and the first failure of each kind."""
        self._emitted.extend(self.manager.failures.new())
        while self._emitted:
            await self._item(self._emitted.popleft())
            await self._breathe()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._runner.interval)
            await self.fire("on_interval")
            await self._emit_waiting()

    async def _finish(self, status: Status) -> None:
        try:
            await self._wind_up()
        except asyncio.CancelledError:
            status = "interrupted"
            await self.manager.close(0)
            raise
        finally:
            self._over = True
            self._account_for_the_rest()
            self._runner.summary = self._summary(status)

    async def _wind_up(self) -> None:
        await self._stop_clock()
        await self.fire("on_end")
        deadline = self._deadline()
        await self._deliver(deadline)
        self._emitted.extend(self.manager.failures.rest())
        await self._deliver(deadline)
        await self.manager.close(_left(deadline))

    async def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.wait([self._clock])

    async def _deliver(self, deadline: float | None) -> None:
        """Process what was emitted and deliver what was submitted, until no hook has anything to add."""
        for _ in range(ROUNDS):
            await self._emit_waiting()
            await self.manager.flush(_left(deadline))
            self._emitted.extend(self.manager.failures.new())
            if not self._emitted:
                return

    def _deadline(self) -> float | None:
        timeout = self._runner.settings.drain_timeout
        return None if timeout is None else time.monotonic() + timeout

    def _account_for_the_rest(self) -> None:
        """What came too late to be emitted is told by the summary."""
        late = list(self._emitted)
        errors = [item for item in late if isinstance(item, Error)]
        if len(errors) < len(late):
            lost = f"{len(late) - len(errors)} item(s) were emitted too late in the run's end to be processed"
            errors.append(Error(message=lost))
        self._tally.failed([*errors, *self.manager.errors()])

    def _summary(self, status: Status) -> Summary:
        tally = self._tally
        return Summary(
            run_id=self._runner.run_id,
            name=self._runner.name,
            status="failure" if status == "success" and tally.errors else status,
            counts=tally.by_type,
            errors=tally.errors,
            messages=tuple(tally.messages),
            dropped=self._dispatcher.dropped,
            duplicates=tally.duplicates,
            duration=time.monotonic() - self._began,
            exit_code=self._runner.exit_code,
            hooks=self.manager.stats,
        )


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
