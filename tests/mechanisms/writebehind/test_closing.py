"""flush is a barrier, close is final, and stats always add up."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest

from rookery.mechanisms.writebehind import (
    Batch,
    BatchQueue,
    DeliveryError,
    QueueClosed,
    RetryPolicy,
    SpoolError,
    Stats,
    has_leftovers,
)
from tests.mechanisms.writebehind.sinks import FailsTimes, GatedShelf, Shelf, numbered, refuse
from tests.patience import PATIENCE

QUICK = RetryPolicy(first=0.001, longest=0.002)


def assert_adds_up(stats: Stats) -> None:
    assert stats.accepted == stats.delivered + stats.coalesced + stats.dead + stats.queued + stats.inflight


def test_flush_delivers_what_was_put_before_and_keeps_the_queue_open() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_interval=3600) as queue:
        for end in (3, 6, 9):
            for item in numbered(end - 3, end):
                queue.put(item)
            assert queue.flush(PATIENCE)
            assert shelf.items == numbered(0, end)


def test_flush_of_an_empty_queue_is_true_at_once() -> None:
    with BatchQueue(Shelf(), name="t") as queue:
        assert queue.flush(0)
        assert not queue.stats.writer_alive


def test_flush_gives_up_after_its_timeout_and_loses_nothing() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t") as queue:
        queue.put(b"0")
        assert not queue.flush(0.02)
        shelf.gate.set()
        assert queue.flush(PATIENCE)
    assert shelf.items == [b"0"]


def test_flush_from_inside_the_sink_says_no_instead_of_waiting_for_itself() -> None:
    answers: list[bool] = []
    queue: BatchQueue[bytes] = BatchQueue(lambda _batch: answers.append(queue.flush()), name="t")
    with queue:
        queue.put(b"x")
        assert queue.flush(PATIENCE)
    assert answers == [False]


def test_a_coroutine_sink_does_not_wait_for_itself_in_aflush_or_aclose() -> None:
    answers: list[bool] = []

    async def sink(_batch: Batch[bytes]) -> None:
        answers.extend((await queue.aflush(), await queue.aclose()))

    queue = BatchQueue(sink, name="t", batch_interval=0)
    queue.put(b"x")
    assert queue.close(PATIENCE)
    assert answers == [False, False]


def test_several_threads_can_flush_at_once() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t") as queue:
        queue.put(b"x")
        results: list[bool] = []
        threads = [threading.Thread(target=lambda: results.append(queue.flush(PATIENCE))) for _ in range(5)]
        for thread in threads:
            thread.start()
        shelf.gate.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert results == [True] * 5


def test_close_delivers_everything_and_then_put_raises() -> None:
    shelf = Shelf()
    queue = BatchQueue(shelf, name="t", batch_interval=3600)
    for item in numbered(0, 250):
        queue.put(item)
    assert queue.close(PATIENCE)
    assert shelf.items == numbered(0, 250)
    with pytest.raises(QueueClosed, match="The queue t is closed"):
        queue.put(b"late")
    assert queue.close(PATIENCE)
    assert not queue.stats.writer_alive


def test_aput_after_aclose_raises() -> None:
    async def main() -> None:
        queue = BatchQueue(Shelf(), name="t")
        await queue.aput(b"x")
        assert await queue.aclose(PATIENCE)
        with pytest.raises(QueueClosed):
            await queue.aput(b"late")

    asyncio.run(main())  # noqa: TID251  the outermost shell of this test


def test_close_without_a_spool_names_what_it_could_not_deliver() -> None:
    errors: list[DeliveryError | SpoolError] = []
    shelf = Shelf(FailsTimes(1_000_000, ConnectionError("gone")))
    queue = BatchQueue(shelf, name="t", batch_size=2, retry=QUICK, on_error=errors.append)
    for item in numbered(0, 5):
        queue.put(item)
    assert not queue.close(0.05)
    assert not queue.close(0.05)
    (error,) = errors
    assert isinstance(error, DeliveryError)
    assert (error.ids, error.dead) == (("1", "2", "3", "4", "5"), False)
    assert_adds_up(queue.stats)
    assert queue.stats.queued + queue.stats.inflight == 5


def test_close_with_a_spool_leaves_the_rest_for_the_next_queue(tmp_path: Path) -> None:
    shelf = Shelf(FailsTimes(1_000_000, ConnectionError("gone")))
    queue = BatchQueue(shelf, name="t", spool=tmp_path, retry=QUICK)
    for item in numbered(0, 5):
        queue.put(item)
    assert not queue.close(0.05)
    assert has_leftovers(tmp_path)
    next_shelf = Shelf()
    with BatchQueue(next_shelf, name="t", spool=tmp_path) as queue:
        assert queue.flush(PATIENCE)
    assert next_shelf.items == numbered(0, 5)
    assert not has_leftovers(tmp_path)


def test_a_hanging_sink_cannot_hold_up_close() -> None:
    shelf = GatedShelf()
    queue = BatchQueue(shelf, name="t")
    queue.put(b"x")
    threading.Thread(target=queue.flush).start()
    shelf.await_call()
    assert not queue.close(0.01)
    shelf.gate.set()


def test_close_from_inside_the_sink_ends_the_queue_after_this_batch() -> None:
    shelf = Shelf()

    def sink(batch: Batch[bytes]) -> None:
        shelf(batch)
        assert not queue.close()

    queue = BatchQueue(sink, name="t", batch_interval=0)
    queue.put(b"x")
    assert queue.close(PATIENCE)
    assert shelf.items == [b"x"]


def test_a_spool_that_was_never_needed_is_never_made(tmp_path: Path) -> None:
    with BatchQueue(Shelf(), name="t", spool=tmp_path / "spool"):
        pass
    assert not (tmp_path / "spool").exists()


def test_a_queue_that_is_dropped_without_close_still_delivers() -> None:
    shelf = Shelf()
    delivered = threading.Event()

    def sink(batch: Batch[bytes]) -> None:
        shelf(batch)
        delivered.set()

    BatchQueue(sink, name="t", batch_interval=0.05).put(b"x")
    gc.collect()
    assert delivered.wait(PATIENCE)
    assert shelf.items == [b"x"]


def test_stats_add_up_at_every_moment() -> None:
    shelf = Shelf(refuse(b"13", b"77"))
    moments: list[Stats] = []
    done = threading.Event()
    with BatchQueue(shelf, name="t", key=lambda item: item, batch_size=7, capacity=50, retry=QUICK) as queue:

        def look() -> None:
            while not done.is_set():
                moments.append(queue.stats)

        looker = threading.Thread(target=look)
        looker.start()
        for _ in range(20):
            for item in numbered(0, 100):
                queue.put(item)
        assert queue.flush(PATIENCE)
        done.set()
        looker.join(PATIENCE)
        last = queue.stats
    for moment in moments:
        assert_adds_up(moment)
    assert last.accepted == 2000
    assert last.queued == last.inflight == 0
    assert last.delivered == len(shelf.items)
    assert last.oldest_age == 0


def test_a_put_from_inside_a_put_is_deferred_and_delivered() -> None:
    """As a finaliser would: here the hash of a key puts, in the middle of the critical section."""
    shelf = Shelf()

    class Meddling(bytes):
        def __hash__(self) -> int:
            if self == b"meddler":
                numbers.append(queue.put(b"from inside"))
            return hash(bytes(self))

    numbers: list[int] = []
    with BatchQueue(shelf, name="t", key=Meddling) as queue:
        assert queue.put(b"meddler") == 1
        assert queue.put(b"after") > 1
        assert queue.flush(PATIENCE)
        assert numbers == [0] * len(numbers)
        assert queue.stats.deferred == len(numbers) > 0
    assert sorted(shelf.items) == [b"after", b"from inside", b"meddler"]


def test_the_age_of_the_oldest_grows_while_it_waits() -> None:
    with BatchQueue(Shelf(), name="t", batch_interval=3600) as queue:
        queue.put(b"x")
        first = queue.stats.oldest_age
        threading.Event().wait(0.02)
        assert queue.stats.oldest_age > first
