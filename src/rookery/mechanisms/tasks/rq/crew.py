"""The threads beside RQ's own: the engine, the sweeper, and who keeps the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from rookery.mechanisms.tasks.rq.engine import Engine
from rookery.mechanisms.tasks.rq.ledger import Ledger
from rookery.mechanisms.tasks.rq.sweeper import Sweeper
from rookery.mechanisms.tasks.rq.wire import Wire

if TYPE_CHECKING:
    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.registry import Runs
    from rookery.mechanisms.tasks.rq.worker import RqWorker
    from rookery.mechanisms.tasks.worker.job import Hands


class Crew:
    """Who works for an RqWorker, from `start` to `end`."""

    def __init__(
        self,
        worker: RqWorker,
        rook: Rook,
        hands: Mapping[Runs, Hands],
        *,
        concurrency: int | None,
        grace: float,
    ) -> None:
        self._wire = Wire(worker.connection)
        self._ledger = Ledger(worker)
        self._sweeper = Sweeper(rook.engine, self._wire)
        self.engine = Engine(
            rook,
            hands,
            concurrency=concurrency,
            grace=grace,
            ledger=self._ledger,
            sweeper=self._sweeper,
            when_resized=worker.load.wake,
        )

    def start(self, when_over: Callable[[], None]) -> None:
        """Set them to work; `when_over` is called when the engine has ended, for whatever reason."""
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="rookery-rq")
        self._engine_over: Future[None] = self._threads.submit(self.engine.run)
        self._engine_over.add_done_callback(lambda _: when_over())
        self._threads.submit(self._ledger.run)
        self._threads.submit(self._sweeper.run)

    def sweep(self) -> int:
        """See that all that is pending is on the wire; how much was not. Nothing is, when that fails."""
        return self._sweeper.tried()

    def end(self) -> None:
        """Wait for the engine, which was stopped, then for the others. Raises what ended the engine."""
        try:
            self._engine_over.result()
        finally:
            self._hand_back()
            self._sweeper.close()
            self._ledger.close()
            self._threads.shutdown()

    def _hand_back(self) -> None:
        """What was popped and not claimed is another worker's."""
        with suppress(RedisError):
            for popped in self.engine.unclaimed():
                self._wire.put_back(popped.job.id, popped.queue, at_front=True)
