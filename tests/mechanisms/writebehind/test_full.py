"""A full queue pushes back: it blocks, raises or drops, and never stops an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from rookery.mechanisms.writebehind import (
    Batch,
    BatchQueue,
    ItemTooLarge,
    QueueClosed,
    QueueFull,
    RetryPolicy,
    SpoolFull,
    TransientError,
)
from rookery.mechanisms.writebehind.spool import SMALLEST_SEGMENT
from tests.mechanisms.writebehind.sinks import GatedShelf, Shelf, SteppedShelf, numbered
from tests.patience import PATIENCE


def put_until_full(queue: BatchQueue[bytes], item: bytes) -> int:
    """How many it took."""
    for number in range(10_000):
        try:
            queue.put(item)
        except QueueFull:
            return number
    raise AssertionError("it was never full")


def test_block_waits_for_the_sink() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", capacity=4) as queue:
        for item in numbered(0, 4):
            queue.put(item)
        producer = threading.Thread(target=queue.put, args=(b"4",))
        producer.start()
        shelf.await_call()
        assert producer.is_alive()
        assert queue.stats.accepted == 4
        shelf.gate.set()
        producer.join(PATIENCE)
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 5)


class Host(SteppedShelf):
    """Lets producers in by itself, in the middle of a call: after the first step, before the second."""

    lets_in = True

    def __call__(self, batch: Batch[bytes]) -> None:
        self.wait_for_step()
        batch.let_in()
        super().__call__(batch)


def test_a_sink_may_say_when_producers_are_let_in() -> None:
    host = Host()
    with BatchQueue(host, name="t", batch_size=5, capacity=10) as queue:
        for item in numbered(0, 10):
            queue.put(item)
        producer = threading.Thread(target=queue.put, args=(b"10",))
        producer.start()
        host.await_call()
        host.step(2)  # the first batch: there is room
        host.await_call()
        host.await_call()
        assert queue.stats.delivered == 5
        assert queue.stats.accepted == 10
        host.step()  # let_in, and no further: the second batch is still being written
        producer.join(PATIENCE)
        assert queue.stats.accepted == 11
        assert queue.stats.delivered == 5
        host.step(9)
        assert queue.flush(PATIENCE)
        assert host.items == numbered(0, 11)


class Forgetful(Shelf):
    lets_in = True


def test_a_sink_that_never_says_it_keeps_nobody_waiting_for_a_writer_that_sleeps() -> None:
    with BatchQueue(Forgetful(), name="t", batch_size=5, capacity=5, batch_interval=3600) as queue:
        producer = threading.Thread(target=lambda: [queue.put(item) for item in numbered(0, 23)])
        producer.start()
        producer.join(PATIENCE)
        assert queue.stats.accepted == 23


def test_a_sink_that_fails_before_it_says_so_keeps_nobody_waiting_until_it_works() -> None:
    is_up = threading.Event()

    def check(batch: Batch[bytes]) -> None:
        if batch.seqs[-1] > 5 and not is_up.is_set():
            raise TransientError("not yet")

    retry = RetryPolicy(first=0.001, longest=0.002)
    with BatchQueue(Forgetful(check), name="t", batch_size=5, capacity=10, retry=retry) as queue:
        producer = threading.Thread(target=lambda: [queue.put(item) for item in numbered(0, 15)])
        producer.start()
        producer.join(PATIENCE)
        assert queue.stats.accepted == 15
        assert queue.stats.delivered == 5
        is_up.set()


def test_raise_says_so_and_loses_nothing_accepted() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", capacity=4, on_full="raise") as queue:
        for item in numbered(0, 4):
            queue.put(item)
        with pytest.raises(QueueFull, match="The queue t is full"):
            queue.put(b"4")
        assert queue.stats.refused == 1
        shelf.gate.set()
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 4)


def test_drop_counts_the_newest_and_returns_no_number() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", capacity=4, on_full="drop") as queue:
        assert [queue.put(item) for item in numbered(0, 6)] == [1, 2, 3, 4, 0, 0]
        assert queue.stats.dropped == 2
        shelf.gate.set()
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 4)


def test_the_bytes_are_bounded_too() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", capacity_bytes=1000, on_full="raise") as queue:
        queue.put(bytes(1000))
        with pytest.raises(QueueFull):
            queue.put(b"x")
        shelf.gate.set()


def test_a_full_queue_is_delivered_at_once_however_long_its_interval() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", capacity=4, batch_size=100, batch_interval=3600) as queue:
        for item in numbered(0, 50):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 50)


def test_close_releases_a_blocked_producer_with_queue_closed() -> None:
    shelf = GatedShelf()
    queue = BatchQueue(shelf, name="t", capacity=1)
    queue.put(b"0")
    failures: list[BaseException] = []

    def produce() -> None:
        try:
            queue.put(b"1")
        except QueueClosed as error:
            failures.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    shelf.await_call()
    closer = threading.Thread(target=queue.close)
    closer.start()
    producer.join(PATIENCE)
    shelf.gate.set()
    closer.join(PATIENCE)
    assert len(failures) == 1
    assert shelf.items == [b"0"]


def test_a_sink_that_puts_into_its_own_full_queue_is_not_blocked_by_itself() -> None:
    got: list[bytes] = []

    def sink(batch: Batch[bytes]) -> None:
        got.extend(batch)
        if b"0" in batch:
            queue.put(b"from the sink")

    queue = BatchQueue(sink, name="t", capacity=1, batch_size=1)
    with queue:
        queue.put(b"0")
        assert queue.flush(PATIENCE)
        assert queue.flush(PATIENCE)
    assert got == [b"0", b"from the sink"]


def test_a_coroutine_sink_that_aputs_into_its_own_full_queue_is_not_blocked_by_itself() -> None:
    got: list[bytes] = []

    async def sink(batch: Batch[bytes]) -> None:
        got.extend(batch)
        if b"0" in batch:
            await queue.aput(b"from the sink")

    queue = BatchQueue(sink, name="t", capacity=1, batch_size=1)
    with queue:
        queue.put(b"0")
        assert queue.flush(PATIENCE)
        assert queue.flush(PATIENCE)
    assert got == [b"0", b"from the sink"]


def test_put_on_an_event_loop_raises_instead_of_blocking_it() -> None:
    shelf = GatedShelf()

    async def main() -> None:
        async with BatchQueue(shelf, name="t", capacity=1) as queue:
            queue.put(b"0")
            with pytest.raises(QueueFull, match="use aput"):
                queue.put(b"1")
            shelf.gate.set()

    asyncio.run(main())  # noqa: TID251  the outermost shell of this test
    assert shelf.items == [b"0"]


def test_aput_waits_while_the_loop_goes_on() -> None:
    shelf = GatedShelf()

    async def main() -> None:
        async with BatchQueue(shelf, name="t", capacity=2) as queue:
            await queue.aput(b"0")
            await queue.aput(b"1")
            waiting = asyncio.create_task(queue.aput(b"2"))
            for _ in range(10):
                await asyncio.sleep(0.001)
            assert not waiting.done()
            shelf.gate.set()
            assert await waiting == 3
            assert await queue.aflush(PATIENCE)

    asyncio.run(main())  # noqa: TID251  the outermost shell of this test
    assert shelf.items == numbered(0, 3)


def test_a_cancelled_aput_has_put_nothing_and_holds_up_nobody() -> None:
    shelf = GatedShelf()

    async def main() -> None:
        async with BatchQueue(shelf, name="t", capacity=1) as queue:
            await queue.aput(b"0")
            cancelled = asyncio.create_task(queue.aput(b"never"))
            other = asyncio.create_task(queue.aput(b"1"))
            await asyncio.sleep(0.01)
            cancelled.cancel()
            shelf.gate.set()
            await asyncio.wait_for(other, PATIENCE)

    asyncio.run(main())  # noqa: TID251  the outermost shell of this test
    assert shelf.items == numbered(0, 2)


def test_aput_obeys_raise_and_drop() -> None:
    shelf = GatedShelf()

    async def main() -> None:
        async with BatchQueue(shelf, name="t", capacity=1, on_full="drop") as queue:
            assert [await queue.aput(b"0"), await queue.aput(b"1")] == [1, 0]
        async with BatchQueue(Shelf(), name="t", capacity=1, on_full="raise", batch_interval=60) as queue:
            await queue.aput(b"0")
            with pytest.raises(QueueFull):
                await queue.aput(b"1")

    shelf.gate.set()
    asyncio.run(main())  # noqa: TID251  the outermost shell of this test


def test_a_spool_that_has_used_up_its_budget_pushes_back_until_the_sink_catches_up(tmp_path: Path) -> None:
    shelf = GatedShelf()
    budget = 4 * SMALLEST_SEGMENT
    with BatchQueue(shelf, name="t", spool=tmp_path, spool_bytes=budget, on_full="raise") as queue:
        accepted = put_until_full(queue, bytes(1000))
        assert budget // 2 < accepted * 1000 <= budget
        assert queue.stats.spool_bytes <= budget
        shelf.gate.set()
        assert queue.flush(PATIENCE)
        queue.put(b"room again")
    assert len(shelf.items) == accepted + 1


def test_blocking_on_a_full_spool_ends_when_the_sink_catches_up(tmp_path: Path) -> None:
    shelf = Shelf(lambda _batch: time.sleep(0.001))
    with BatchQueue(shelf, name="t", spool=tmp_path, spool_bytes=4 * SMALLEST_SEGMENT) as queue:
        for _ in range(2000):
            queue.put(bytes(1000))
        assert queue.flush(PATIENCE)
    assert len(shelf.items) == 2000


def test_an_item_larger_than_a_segment_is_refused_with_its_size(tmp_path: Path) -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", spool=tmp_path, spool_bytes=4 * SMALLEST_SEGMENT) as queue:
        with pytest.raises(ItemTooLarge, match="An item of 65536 bytes"):
            queue.put(bytes(SMALLEST_SEGMENT))
        queue.put(bytes(SMALLEST_SEGMENT - 100))
        assert queue.flush(PATIENCE)
    assert [len(item) for item in shelf.items] == [SMALLEST_SEGMENT - 100]


def test_a_spool_that_cannot_be_made_is_an_error_of_put_that_names_it(tmp_path: Path) -> None:
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("a file where the folder should be")
    with BatchQueue(Shelf(), name="t", spool=in_the_way) as queue:
        with pytest.raises(SpoolFull, match="spool"):
            queue.put(b"x")
        assert queue.stats.accepted == 0
