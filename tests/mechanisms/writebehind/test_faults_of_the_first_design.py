"""The faults of an earlier design of this queue, by their numbers there; each was reproduced on its own code.

Those of its hook manager and runner (3, 4, 6, 7, 11, 13, 14, 15) are tests/mechanisms/hooks'.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rookery.mechanisms.writebehind import (
    Batch,
    BatchQueue,
    DeliveryError,
    QueueClosed,
    SpoolError,
    json_codec,
)
from tests.mechanisms.writebehind.sinks import GatedShelf, Shelf, numbered, refuse
from tests.patience import PATIENCE


def wait_for(shelf: Shelf, items: list[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while shelf.items != items:
        assert time.monotonic() < end, f"{len(shelf.items)} of {len(items)} items came by themselves"
        time.sleep(0.005)


def test_fault_1_the_first_item_arms_the_timer() -> None:
    """Nothing was delivered in 20 intervals, because an empty queue was falsy when the timer was started."""
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_interval=0.02) as queue:
        queue.put(b"1")
        wait_for(shelf, [b"1"])


def test_fault_2_an_idle_interval_does_not_disarm_the_timer() -> None:
    """The second item, after one idle tick, was never delivered."""
    shelf = Shelf()
    with BatchQueue(shelf, name="t", batch_interval=0.02) as queue:
        for number in range(1, 4):
            queue.put(b"%d" % number)
            wait_for(shelf, numbered(1, number + 1))
            time.sleep(0.07)


def test_fault_5_one_bad_item_costs_one_item_and_is_named() -> None:
    """1 unserialisable item of 100 cost all 100, with one error and no ids."""
    errors: list[DeliveryError | SpoolError] = []
    shelf = Shelf(refuse(b"42"))
    with BatchQueue(shelf, name="t", key=bytes.decode, on_error=errors.append) as queue:
        for item in numbered(0, 100):
            queue.put(item)
        assert queue.flush(PATIENCE)
    assert len(shelf.items) == 99
    assert [error.ids for error in errors if isinstance(error, DeliveryError)] == [("42",)]


def test_fault_8_versions_of_one_key_are_never_written_concurrently_or_out_of_order() -> None:
    """v1 then v2 ended as v1: four threads wrote batches of one key."""
    stored: dict[str, int] = {}
    writing = threading.Lock()

    def upsert(batch: Batch[tuple[str, int]]) -> None:
        assert writing.acquire(blocking=False), "two batches were being written at once"
        time.sleep(0.0005)
        stored.update(batch)
        writing.release()

    codec = json_codec(tuple[str, int])
    with BatchQueue(upsert, name="t", codec=codec, key=lambda item: item[0], batch_size=5) as queue:
        for version in range(200):
            for key in "abc":
                queue.put((key, version))
        assert queue.flush(PATIENCE)
        assert queue.stats.dead == 0
    assert stored == {"a": 199, "b": 199, "c": 199}


def test_fault_9_the_memory_is_bounded_and_flush_has_a_timeout() -> None:
    """200,000 items against a slow sink took 565 MB, and flush then blocked without a way out."""
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", capacity=1000, on_full="drop") as queue:
        for item in numbered(0, 20_000):
            queue.put(item)
        stats = queue.stats
        assert stats.queued + stats.inflight == 1000
        assert stats.dropped == 19_000
        assert not queue.flush(0.01)
        shelf.gate.set()


CHILD = """
import os, signal, sqlite3, sys
from pathlib import Path
from rookery.mechanisms.writebehind import BatchQueue
folder, how = Path(sys.argv[1]), sys.argv[2]
def store(batch):
    database = sqlite3.connect(folder / "rows.db")
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS rows (stream, seq, item, UNIQUE (stream, seq))")
        rows = [(batch.stream, seq, item) for seq, item in zip(batch.seqs, batch)]
        database.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?)", rows)
    database.close()
queue = BatchQueue(store, name="t", spool=folder / "spool", batch_interval=3600)
if how != "recover":
    for number in range(5050):
        queue.put(b"%d" % number)
if how == "sigterm":
    os.kill(os.getpid(), signal.SIGTERM)
elif how == "sys.exit":
    sys.exit(0)
queue.flush()
"""


@pytest.mark.parametrize("how", ["sigterm", "sys.exit"])
def test_fault_10_leaving_without_a_flush_loses_nothing(tmp_path: Path, how: str) -> None:
    """SIGTERM after 5,050 items left 100 rows; sys.exit lost the last partial batch."""
    for step in (how, "recover"):
        subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), step], timeout=PATIENCE)
    with contextlib.closing(sqlite3.connect(tmp_path / "rows.db")) as database:
        rows = [int(item) for (item,) in database.execute("SELECT item FROM rows ORDER BY seq")]
    assert rows == list(range(5050))


def test_fault_11_an_item_that_the_sink_puts_during_flush_or_close_is_delivered_or_refused_aloud() -> None:
    """Items submitted during flush_all stayed in the queue; after shutdown they were dropped in silence."""
    shelf = Shelf()
    refused: list[bytes] = []

    def sink(batch: Batch[bytes]) -> None:
        shelf(batch)
        for item in batch:
            if not item.startswith(b"echo"):
                try:
                    queue.put(b"echo of " + item)
                except QueueClosed:
                    refused.append(item)

    queue = BatchQueue(sink, name="t", batch_interval=3600)
    queue.put(b"1")
    assert queue.flush(PATIENCE)
    queue.put(b"2")
    assert queue.close(PATIENCE)
    assert shelf.items == [b"1", b"echo of 1", b"2"]
    assert refused == [b"2"]


def test_fault_12_what_is_delivered_is_what_was_put() -> None:
    """The hook saw 'mutated later': items were queued by reference."""
    got: list[dict[str, str]] = []
    with BatchQueue(got.extend, name="t", codec=json_codec(dict[str, str])) as queue:
        item = {"value": "as put"}
        queue.put(item)
        item["value"] = "mutated later"
        assert queue.flush(PATIENCE)
        got[0]["value"] = "mutated by the sink"
    assert item == {"value": "mutated later"}
    assert got == [{"value": "mutated by the sink"}]


def test_fault_14_one_thread_writes_so_one_connection_serves_all_producers(tmp_path: Path) -> None:
    """Four writers on one SQLite connection lost up to 800 of 20,000 rows, some of them without an error."""
    database = sqlite3.connect(tmp_path / "rows.db", check_same_thread=False)
    database.execute("CREATE TABLE rows (item)")
    threads: set[int] = set()

    def store(batch: Batch[bytes]) -> None:
        threads.add(threading.get_ident())
        with database:
            database.executemany("INSERT INTO rows VALUES (?)", [(item,) for item in batch])

    with BatchQueue(store, name="t") as queue:
        producers = [
            threading.Thread(target=lambda: [queue.put(item) for item in numbered(0, 2500)]) for _ in range(4)
        ]
        for producer in producers:
            producer.start()
        for producer in producers:
            producer.join()
        assert queue.flush(PATIENCE)
        assert queue.stats.dead == 0
    assert database.execute("SELECT count(*) FROM rows").fetchone() == (10_000,)
    assert len(threads) == 1
    database.close()


def test_fault_15_each_error_is_reported_once_however_often_one_flushes() -> None:
    """The second flush_all reported the errors of the first again."""
    errors: list[DeliveryError | SpoolError] = []
    with BatchQueue(Shelf(refuse(b"bad")), name="t", on_error=errors.append) as queue:
        queue.put(b"bad")
        threads = [threading.Thread(target=queue.flush, args=(PATIENCE,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert queue.flush(PATIENCE)
        assert queue.flush(PATIENCE)
    assert len(errors) == 1
