"""The process that gets killed: puts items, prints the id of each as soon as put has accepted it.

Usage: child.py SPOOL DATABASE LABEL MODE. It imports little, so that a round is short, and its sink keeps the
cursor of sql_sink with nothing but sqlite3.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import sys
import threading
from pathlib import Path

from rookery.mechanisms.writebehind import Batch, BatchQueue, RetryPolicy, SpoolFull

BATCH_SIZE = 50
CAPACITY = 2_000


class SqliteSink:
    """Exactly once, by hand: rows and cursor in one transaction."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pid = 0
        self._database: sqlite3.Connection

    def __call__(self, batch: Batch[bytes]) -> None:
        if self._pid != os.getpid():  # a connection must not cross a fork
            self._database = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            self._pid = os.getpid()
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._store(batch)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _store(self, batch: Batch[bytes]) -> None:
        (cursor,) = self._database.execute(
            "INSERT INTO writebehind_cursor (stream, seq) VALUES (?, 0) "
            "ON CONFLICT (stream) DO UPDATE SET seq = writebehind_cursor.seq RETURNING seq",
            (batch.stream,),
        ).fetchone()
        fresh = [(item.decode(),) for seq, item in zip(batch.seqs, batch, strict=True) if seq > cursor]
        if any("poison" in item for (item,) in fresh):
            raise ValueError("a poison item")
        self._database.executemany("INSERT INTO arrivals (item) VALUES (?)", fresh)
        self._database.execute(
            "UPDATE writebehind_cursor SET seq = ? WHERE stream = ?",
            (max(batch.seqs[-1], cursor), batch.stream),
        )


def sink_that_is_down(_batch: Batch[bytes]) -> None:
    raise ConnectionError("nobody answers")


class Producer:
    """Puts numbered items and acknowledges each on standard output with one write."""

    def __init__(self, queue: BatchQueue[bytes], label: str) -> None:
        self._queue, self._label = queue, label
        self._next = 0

    def put(self, kind: str = "item") -> None:
        name = f"{self._label}:{self._next}:{kind}"
        self._queue.put(name.encode())
        os.write(1, name.encode() + b"\n")
        self._next += 1

    def put_many(self, count: int) -> None:
        for _ in range(count):
            self.put()

    def put_for_ever(self) -> None:
        while True:
            self.put()


def steadily(_queue: BatchQueue[bytes], producer: Producer) -> None:
    producer.put_for_ever()


def with_poison(_queue: BatchQueue[bytes], producer: Producer) -> None:
    while True:
        producer.put_many(9)
        producer.put("poison")


def during_close(queue: BatchQueue[bytes], producer: Producer) -> None:
    producer.put_many(1_500)
    os.write(1, b"closing\n")
    queue.close()
    threading.Event().wait()


def with_a_full_disk(_queue: BatchQueue[bytes], producer: Producer) -> None:
    """No file may grow any more: the current segment fills up, the next cannot be made."""
    producer.put_many(100)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        producer.put_for_ever()
    except SpoolFull as error:
        os.write(1, f"refused:{error}\n".encode())
    threading.Event().wait()


def in_a_forked_child(queue: BatchQueue[bytes], producer: Producer) -> None:
    """Parent and child share the queue object, and both go on putting until both are killed."""
    producer.put_many(500)
    label = "child" if os.fork() == 0 else "parent"
    os.write(1, f"pid:{os.getpid()}\n".encode())
    Producer(queue, f"{sys.argv[3]}-{label}").put_for_ever()


def until_exit(_queue: BatchQueue[bytes], producer: Producer) -> None:
    producer.put_many(1_000)
    sys.exit(3)


def until_an_exception(_queue: BatchQueue[bytes], producer: Producer) -> None:
    producer.put_many(1_000)
    raise LookupError("never caught")


def until_hard_exit(_queue: BatchQueue[bytes], producer: Producer) -> None:
    producer.put_many(1_000)
    os._exit(3)


MODES = {
    "steadily": steadily,
    "sink down": steadily,
    "poison": with_poison,
    "during close": during_close,
    "disk full": with_a_full_disk,
    "fork": in_a_forked_child,
    "sys.exit": until_exit,
    "exception": until_an_exception,
    "os._exit": until_hard_exit,
}


def main() -> None:
    spool, database, label, mode = sys.argv[1:]
    is_down = mode in {"sink down", "disk full"}
    queue = BatchQueue(
        sink_that_is_down if is_down else SqliteSink(database),
        name="crash",
        batch_size=BATCH_SIZE,
        batch_interval=0.02,
        capacity=1_000_000 if is_down else CAPACITY,
        spool=Path(spool),
        retry=RetryPolicy(first=0.01, longest=0.05),
    )
    MODES[mode](queue, Producer(queue, label))


if __name__ == "__main__":
    main()
