"""AsyncHookManager: hooks beside a run. One queue per batched hook, one loop for `async def` hooks."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

from rookery.base.ids import new_id
from rookery.mechanisms.hooks.failures import Failures
from rookery.mechanisms.hooks.items import decode, encode
from rookery.mechanisms.hooks.loop import HookLoop
from rookery.mechanisms.hooks.recovery import CODEC, key_of, named, spool_of
from rookery.mechanisms.hooks.settings import HookSettings
from rookery.mechanisms.hooks.sink import HookSink
from rookery.mechanisms.writebehind import Batch, BatchQueue, DeliveryError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from pathlib import Path

    from rookery.mechanisms.hooks.items import Error
    from rookery.mechanisms.hooks.marks import Batching
    from rookery.mechanisms.hooks.registry import Function, HookFunction
    from rookery.mechanisms.writebehind import Stats


class AsyncHookManager:
    """Delivers to the batched and `async def` hooks of one run.

    Every batched function has its own BatchQueue, keyed by module and qualified name, so that two hooks of
    one event never share one; with `spool`, a folder, what was submitted survives the death of the process
    and is delivered by the next run with that hook. Opening it recovers such leftovers. It lives beside the
    runner, which is what hooks are given, and never inside a pickled one.
    """

    def __init__(
        self,
        runner: object,
        functions: Iterable[HookFunction],
        *,
        settings: HookSettings | None = None,
        spool: Path | None = None,
    ) -> None:
        self._runner = runner
        self._settings = settings or HookSettings()
        self._spool = spool
        self._slots = threading.BoundedSemaphore(self._settings.pool_size)
        self._loop = HookLoop()
        functions = tuple(functions)
        self._names = named(functions)
        self._queues: dict[Function, BatchQueue[Any]] = {}
        self.failures = Failures()
        for function in functions:
            if function.batching is not None and function.call not in self._queues:
                self._queues[function.call] = self._opened(function, function.batching)

    def submit(self, function: HookFunction, value: object) -> Coroutine[Any, Any, int]:
        """Put an item, or a JSON-able value, in the queue of a batched hook: to be awaited.

        What arrives is its state when this is awaited; while the queue is full that waits, and does not
        block the loop. Raises QueueClosed after close(), TypeError for what JSON cannot say, and SpoolFull
        when the disk has no room: then there is `deliver_at_once`.
        """
        return self._queues[function.call].aput(value)

    async def deliver_at_once(self, function: HookFunction, value: object) -> None:
        """Give a batched hook one value, and return when it has taken it. Raises what the hook raises."""
        await self._queues[function.call].aflush()  # an older version of the item must not come after it
        batch = Batch([decode(encode(value))], stream=new_id(), seqs=[1], recovered=False)
        sink = self._sink(function)
        await asyncio.to_thread(sink, batch)
        if sink.retire is not None:
            await asyncio.to_thread(sink.retire, batch.stream)

    async def call(self, function: HookFunction, *arguments: object) -> Any:
        """The result of an in-line hook; what has to be awaited is awaited on the manager's loop."""
        result = function.call(self._runner, *arguments)
        return await self._loop.awaited(result) if inspect.iscoroutine(result) else result

    async def flush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - it is the queue that times
        """Deliver everything submitted before this call; False when `timeout` seconds were not enough."""
        flushed = [queue.aflush(timeout) for queue in self._queues.values()]
        return all(await asyncio.gather(*flushed))

    async def close(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - it is the queue that times
        """Flush, and stop. What is not delivered in time is a failure of its hook, and stays in the spool."""
        done = await asyncio.gather(*(queue.aclose(timeout) for queue in self._queues.values()))
        for function, complete in zip(self._queues, done, strict=True):
            if not complete and self._spool is not None:  # without one, the queue itself reports a loss
                self._left_behind(function)
        if self._loop.is_running:
            await asyncio.to_thread(self._loop.close)
        return all(done)

    def errors(self) -> list[Error]:
        """What failed since the last call: the first failure of each kind, then the rest summed up."""
        return [*self.failures.new(), *self.failures.rest()]

    @property
    def stats(self) -> dict[str, Stats]:
        """The figures of every queue (delivered, retried, dead, …) by the name of its hook."""
        return {self._names[function]: queue.stats for function, queue in self._queues.items()}

    def _opened(self, function: HookFunction, batching: Batching) -> BatchQueue[Any]:
        name = self._names[function.call]
        return BatchQueue(
            self._sink(function),
            name=name,
            codec=CODEC,
            key=key_of,
            batch_size=self._settings.size_for(batching),
            batch_interval=self._settings.interval_for(batching),
            largest_batch=batching.largest_batch,
            spool=None if self._spool is None else spool_of(self._spool, name),
            retry=self._settings.retry,
            on_error=lambda error: self._undelivered(name, error),
        )

    def _sink(self, function: HookFunction) -> HookSink:
        def deliver(batch: Batch[Any]) -> None:
            with self._slots:
                result = function.call(self._runner, batch)
                if inspect.iscoroutine(result):
                    self._loop.wait(result)

        return HookSink(deliver, function.call)

    def _undelivered(self, name: str, error: Exception) -> None:
        if not isinstance(error, DeliveryError):
            self.failures.add(name, error)
            return
        fate = " (dead letters)" if error.dead else " (lost)"
        self.failures.add(name, error.reason, error.ids, fate=fate)

    def _left_behind(self, function: Function) -> None:
        name, stats = self._names[function], self._queues[function].stats
        count = stats.queued + stats.inflight
        said = f"{count} item(s) were not delivered in time; they stay in the spool for the next run"
        self.failures.add(name, said)
