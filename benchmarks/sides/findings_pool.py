"""Findings to SQLite through a thread-pool batcher: volatile, in batches of 100, four threads.

Written from the description of such a batcher, for comparison: it buffers in the producer, hands full
batches to a pool, and waits for the pool at the end. Items have random UUIDs, as in that design. Nothing
survives a crash, nothing bounds its memory, nothing keeps an order.

`python -m benchmarks.sides.findings_pool COUNT [ordered] [alone]` prints a Measured as JSON. `ordered` gives
it our time-ordered ids, for which SQLite's index has less to do; `alone` feeds it from a bare loop instead
of a runner, which looks for duplicates, counts and calls hooks.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.sides.findings_hook import Finds, Weakness
from benchmarks.sides.findings_table import FindingsTable
from benchmarks.sides.measure import content, measured
from rookery.mechanisms.hooks import Item

BATCH = 100
POOL = 4


class PoolBatcher:
    """Collects items by uuid, and stores each full batch from a thread of a pool."""

    def __init__(self, table: FindingsTable) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(POOL)
        self._waiting: dict[str, Item] = {}
        self._futures: list[Future[None]] = []

    def submit(self, item: Item) -> None:
        with self._lock:  # items come from several threads, as they may in a runner
            self._waiting[item._uuid] = item
            if len(self._waiting) >= BATCH:
                self._hand_over()

    def _hand_over(self) -> None:
        batch, self._waiting = list(self._waiting.values()), {}
        self._futures.append(self._pool.submit(self._store, batch))

    def _store(self, batch: list[Item]) -> None:
        self._table.upsert([(item._uuid, json.dumps(msgspec.structs.asdict(item))) for item in batch])

    def finish(self) -> None:
        self._hand_over()
        for future in self._futures:
            future.result()
        self._pool.shutdown()


class FindsWithRandomIds(Finds):
    """The same findings, under ids as the described design makes them."""

    async def produce(self) -> AsyncIterator[Item]:
        for number in range(self.count):
            yield Weakness(_uuid=str(uuid.uuid4()), **content(number))


def feed(batcher: PoolBatcher, count: int, ways: list[str]) -> None:
    if "alone" in ways:
        for number in range(count):
            batcher.submit(Weakness(**content(number)))
        return
    kind = Finds if "ordered" in ways else FindsWithRandomIds
    runner = kind(hooks={"on_item": lambda _, item: batcher.submit(item)})
    runner.count = count
    runner.run()


def store(count: int, folder: Path, ways: list[str]) -> int:
    """Store that many findings; how many are there."""
    table = FindingsTable(folder / "findings.db")
    batcher = PoolBatcher(table)
    feed(batcher, count, ways)
    batcher.finish()
    stored = table.count()
    table.close()
    return stored


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        side = measured(lambda: store(int(sys.argv[1]), Path(scratch), sys.argv[2:]))
    print(json.dumps(side))
