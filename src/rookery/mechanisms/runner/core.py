"""Runner: what a tool is, and the three ways to run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, cast

from rookery.base.errors import Closed, Invalid
from rookery.base.ids import new_id
from rookery.mechanisms.hooks import Hooks, HookSettings, HookTable, Item, hooks_from, item_from
from rookery.mechanisms.runner.life import Life
from rookery.mechanisms.runner.outbox import Outbox
from rookery.mechanisms.runner.summary import Summary


class RunsOnce(Closed):
    """This runner has run already. Make another: a run has one id, one summary."""


class InsideALoop(Invalid):
    """This thread runs an event loop, which this would block. Use `async for` or `await runner.arun()`."""


class Runner:
    """A tool. Override `produce()`, and `convert()` if it yields something other than items.

    Use it once, in one of three ways: `for item in runner`, `async for item in runner`, or
    `runner.run()` / `await runner.arun()` for the summary alone. Methods named by an event (`on_item`, …)
    are hooks. It can be pickled at any time; a copy made in the middle of a run has not run yet.

    `targets` are emitted as Target items. With `dry_run` the tool does not run, and says what it would do.
    With `process` off, what the tool yields is passed on as it is: not converted, not compared, no hooks.
    `interval` is the time between on_interval events, in seconds. `spool` is a folder: with it, what
    batched hooks have been given survives the death of the process.
    """

    name: str = ""
    exit_code: int | None = None

    def __init__(
        self,
        targets: Iterable[str] = (),
        *,
        hooks: Hooks | HookTable | None = None,
        context: Mapping[str, Any] | None = None,
        settings: HookSettings | None = None,
        spool: Path | None = None,
        interval: float = 5.0,
        dry_run: bool = False,
        process: bool = True,
    ) -> None:
        if not interval > 0:
            raise Invalid(f"interval is a number of seconds above 0, not {interval!r}")
        self.run_id = new_id()
        self.name = self.name or type(self).__name__
        self.targets = tuple(targets)
        self.hooks = hooks if isinstance(hooks, Hooks) else hooks_from(hooks or {})
        self.context = {"run_id": self.run_id, **(context or {})}
        self.settings = settings or HookSettings()
        self.spool = spool
        self.interval = interval
        self.dry_run = dry_run
        self.process = process
        self.summary: Summary | None = None
        self._has_begun = False
        self._life: Life | None = None

    # What a tool overrides

    def produce(self) -> AsyncIterator[Any]:
        """An async generator of items, or of raw values for `convert()`. Raising makes the run a failure."""
        raise NotImplementedError(f"{type(self).__name__} must define produce()")

    async def prepare(self) -> None:
        """Called after on_init and before on_start. Raising makes the run a failure."""

    def convert(self, raw: Any) -> Iterable[Item]:
        """The items in a raw value. By default a dict with a `_type` is that item, anything else is none."""
        return [item_from(raw)] if isinstance(raw, dict) and "_type" in raw else []

    def describe(self) -> str:
        """What would run, in one line."""
        return f"{self.name} on {', '.join(self.targets) or 'no target'}"

    # What hooks and tools call

    @property
    def hooked(self) -> bool:
        """Whether this run calls hooks: neither a dry run nor without processing."""
        return self.process and not self.dry_run

    def emit(self, item: Item) -> None:
        """Add an item to the run, from any hook or thread. Raises Closed while it does not run."""
        if self._life is None:
            raise Closed("the run has not begun, or has ended: what is emitted now would reach nobody")
        self._life.emit(item)

    async def fire(self, event: str, *value: Any) -> Any:
        """Call the hooks of an event of this tool; the value they leave, or DROP."""
        if self._life is None:
            raise Closed("hooks are called while a runner runs, and this one does not")
        return await self._life.fire(event, *value)

    # The three ways to run it

    def run(self) -> Summary:
        """Run to the end. Ctrl-C ends it in order, flushed, status `interrupted`; a second one at once."""
        _refuse_inside_a_loop()
        with asyncio.Runner() as loop:
            try:
                return loop.run(self.arun())
            except KeyboardInterrupt:
                if self.summary is None:
                    raise
                return self.summary

    async def arun(self) -> Summary:
        """Run to the end. When cancelled, it ends in order first; the summary is then in `runner.summary`."""
        return await self._lived(_discard)

    def __iter__(self) -> Iterator[Item]:
        """The items, up to 64 read ahead; Ctrl-C and `break` end the run in order. Raises InsideALoop."""
        _refuse_inside_a_loop()
        with asyncio.Runner() as loop:
            chunks = self._chunks()
            try:
                while chunk := loop.run(_next_of(chunks)):
                    yield from chunk
            finally:
                loop.run(_closed(chunks))

    async def __aiter__(self) -> AsyncIterator[Item]:
        """The items, up to 64 read ahead; cancelling and leaving the loop end the run in order."""
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                for item in chunk:
                    yield item

    async def _chunks(self) -> AsyncGenerator[list[Item], None]:
        outbox = Outbox()
        living = asyncio.create_task(self._lived(outbox.give))
        living.add_done_callback(outbox.close)
        try:
            while chunk := await outbox.take():
                yield chunk
            await living
        finally:
            outbox.close()  # nobody reads any more: what the end of the run emits must not wait for that
            await _ended(living)

    async def _lived(self, give: Callable[[Item], Awaitable[None]]) -> Summary:
        if self._has_begun:
            raise RunsOnce
        self._has_begun = True
        # Opening spools and recovering what is in them reads and writes files.
        self._life = await asyncio.to_thread(Life, self, give)
        try:
            await self._life.run()
        finally:
            self._life = None
        return cast("Summary", self.summary)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_life": None, "_has_begun": self.summary is not None}


def _refuse_inside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise InsideALoop


async def _discard(item: Item) -> None:
    """Where items go when only the summary is asked for."""


async def _next_of(chunks: AsyncIterator[list[Item]]) -> list[Item]:
    return await anext(chunks, [])


async def _closed(chunks: AsyncGenerator[list[Item], None]) -> None:
    # It may be being closed, and have been interrupted at that: then the loop's end will cancel it.
    with suppress(RuntimeError):
        await chunks.aclose()


async def _ended(living: asyncio.Task[Summary]) -> None:
    living.cancel()
    await asyncio.wait([living])
    if not living.cancelled():
        living.exception()  # it has been raised to the reader, if there still was one
