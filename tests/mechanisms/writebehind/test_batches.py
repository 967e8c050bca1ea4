"""When a batch is due, what is in it, and in which order."""

from __future__ import annotations

import threading
import time

import pytest

from rookery.base.errors import Invalid
from rookery.mechanisms.writebehind import BatchQueue, json_codec
from tests.mechanisms.writebehind.sinks import GatedShelf, Shelf, SteppedShelf, numbered
from tests.patience import PATIENCE

NEVER = 3600.0


def eventually(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def test_a_full_batch_is_delivered_without_a_flush() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_size=10, batch_interval=NEVER) as queue:
        for item in numbered(0, 10):
            queue.put(item)
        eventually(lambda: shelf.items == numbered(0, 10))


def test_one_item_less_than_a_batch_waits() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_size=10, batch_interval=NEVER) as queue:
        for item in numbered(0, 9):
            queue.put(item)
        time.sleep(0.1)
        assert shelf.items == []
        assert queue.stats.queued == 9


def test_enough_bytes_are_delivered_without_a_flush() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_bytes=1000, batch_interval=NEVER) as queue:
        queue.put(bytes(600))
        queue.put(bytes(600))
        eventually(lambda: len(shelf.items) == 2)


def test_the_oldest_item_waits_no_longer_than_the_interval_also_after_a_lull() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_interval=0.05) as queue:
        queue.put(b"first")
        eventually(lambda: shelf.items == [b"first"])
        time.sleep(0.2)  # several intervals without anything to do
        queue.put(b"second")
        eventually(lambda: shelf.items == [b"first", b"second"])


def test_an_interval_of_zero_delivers_at_once() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_interval=0) as queue:
        queue.put(b"now")
        eventually(lambda: shelf.items == [b"now"])


def test_while_a_batch_is_written_the_next_one_grows() -> None:
    """Natural batching: what came meanwhile goes together, although it is fewer than batch_size."""
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", batch_size=5, batch_interval=NEVER) as queue:
        for item in numbered(0, 5):
            queue.put(item)
        shelf.await_call()
        for item in numbered(5, 12):
            queue.put(item)
        shelf.gate.set()
        eventually(lambda: shelf.items == numbered(0, 12))


def test_no_batch_is_larger_than_batch_size_unless_allowed() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", batch_size=10) as queue:
        for item in numbered(0, 205):
            queue.put(item)
        shelf.gate.set()
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 205)
        assert {len(batch) for batch in shelf.batches} <= {10, 5, *range(1, 10)}


def test_in_a_backlog_batches_grow_up_to_largest_batch() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", batch_size=10, largest_batch=160) as queue:
        queue.put(b"0")
        flusher = threading.Thread(target=queue.flush, args=(PATIENCE,))
        flusher.start()
        shelf.await_call()  # everything else piles up behind this one
        for item in numbered(1, 2000):
            queue.put(item)
        shelf.gate.set()
        flusher.join()
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 2000)
        assert max(len(batch) for batch in shelf.batches) == 160


def test_the_tail_of_a_backlog_goes_with_what_was_queued_behind_it() -> None:
    shelf = SteppedShelf()
    with BatchQueue(shelf, name="t", batch_size=10, batch_interval=NEVER) as queue:
        for end in (10, 25, 30):  # each while the batch before is written
            for item in numbered(queue.stats.accepted, end):
                queue.put(item)
            shelf.await_call()
            shelf.step()
        assert queue.flush(PATIENCE)
        assert [len(batch) for batch in shelf.batches] == [10, 10, 10]
        assert shelf.items == numbered(0, 30)


def test_a_tail_that_nothing_follows_is_delivered_all_the_same() -> None:
    shelf = SteppedShelf()
    with BatchQueue(shelf, name="t", batch_size=10, batch_interval=NEVER) as queue:
        for item in numbered(0, 13):
            queue.put(item)
        shelf.step(2)
        eventually(lambda: shelf.items == numbered(0, 13))


def test_a_batch_holds_no_more_than_batch_bytes_but_one_item_at_least() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", batch_bytes=1000) as queue:
        for size in (400, 400, 400, 5000, 1):
            queue.put(bytes(size))
        shelf.gate.set()
        assert queue.flush(PATIENCE)
        assert [sum(map(len, batch)) for batch in shelf.batches] in ([800, 400, 5000, 1], [400, 800, 5000, 1])


def test_seqs_ascend_and_name_the_items_across_batches() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_size=10) as queue:
        given = [queue.put(item) for item in numbered(0, 35)]
        assert queue.flush(PATIENCE)
        assert given == list(range(1, 36))
        assert [seq for batch in shelf.batches for seq in batch.seqs] == given
        assert {batch.stream for batch in shelf.batches} == {queue.stream}
        assert not any(batch.recovered for batch in shelf.batches)


def test_two_queues_are_two_streams() -> None:
    with BatchQueue(Shelf(), name="t") as one, BatchQueue(Shelf(), name="t") as other:
        assert one.stream != other.stream


def test_the_newest_value_of_a_key_wins_and_moves_to_the_end() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", key=lambda item: item[:1], batch_interval=NEVER) as queue:
        for item in (b"a1", b"b1", b"a2", b"c1", b"a3", b"b2"):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == [b"c1", b"a3", b"b2"]
        assert [batch.seqs for batch in shelf.batches] == [[4, 5, 6]]
        assert queue.stats.coalesced == 3


def test_a_key_in_flight_is_delivered_again_with_its_newer_value() -> None:
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", key=lambda item: item[:1], batch_size=1) as queue:
        queue.put(b"a1")
        shelf.await_call()
        queue.put(b"a2")
        shelf.gate.set()
        assert queue.flush(PATIENCE)
        assert shelf.items == [b"a1", b"a2"]


def test_the_sink_sees_the_item_as_it_was_when_put() -> None:
    got: list[dict[str, int]] = []
    with BatchQueue(got.extend, name="t", codec=json_codec(dict[str, int])) as queue:
        item = {"value": 1}
        queue.put(item)
        item["value"] = 2
        assert queue.flush(PATIENCE)
    assert got == [{"value": 1}]


def test_an_item_that_cannot_be_encoded_fails_in_its_own_put() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t") as queue:
        with pytest.raises(Invalid, match="RAW queues take bytes, not str"):
            queue.put("text")  # type: ignore[arg-type]  # the mistake under test
        queue.put(b"good")
        assert queue.flush(PATIENCE)
    assert shelf.items == [b"good"]


def test_many_producers_keep_each_their_own_order() -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", capacity=200) as queue:

        def produce(name: bytes) -> None:
            for number in range(1000):
                queue.put(b"%s%d" % (name, number))

        threads = [threading.Thread(target=produce, args=(name,)) for name in (b"a", b"b", b"c", b"d")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert queue.flush(PATIENCE)
    for name in (b"a", b"b", b"c", b"d"):
        assert [item for item in shelf.items if item.startswith(name)] == [
            b"%s%d" % (name, n) for n in range(1000)
        ]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"capacity": -1}, "capacity is -1"),
        ({"batch_interval": -0.1}, "batch_interval is -0.1"),
        ({"on_full": "explode"}, "must be one of block, raise, drop"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        BatchQueue(Shelf(), name="t", **limits)  # type: ignore[arg-type]  # wrong on purpose
