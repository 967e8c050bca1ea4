"""Exactly once into SQL: rows and cursor in one transaction, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from rookery.base.ids import new_id
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.writebehind import Batch, BatchQueue, RetryPolicy
from rookery.mechanisms.writebehind.sql import SqlSink, sql_sink
from tests.mechanisms.writebehind.sinks import numbered
from tests.patience import PATIENCE

QUICK = RetryPolicy(first=0.001, longest=0.002)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A migrated database with a table that has no unique key: nothing but the cursor prevents doubles."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    engine = open_engine(request.getfixturevalue(fixture))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE arrivals (item BIGINT)"))
    yield engine
    engine.dispose()


def store(connection: Connection, batch: Batch[bytes]) -> None:
    connection.execute(text("INSERT INTO arrivals VALUES (:item)"), [{"item": int(item)} for item in batch])


def arrived(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return [
            b"%d" % item for (item,) in connection.execute(text("SELECT item FROM arrivals ORDER BY item"))
        ]


def cursors(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {row.stream: row.seq for row in connection.execute(text("SELECT * FROM writebehind_cursor"))}


def batch_of(stream: str, seqs: list[int]) -> Batch[bytes]:
    return Batch([b"%d" % seq for seq in seqs], stream=stream, seqs=seqs, recovered=False)


def test_a_batch_that_is_sent_twice_is_stored_once(engine: Engine) -> None:
    sink, stream = sql_sink(engine, store), new_id()
    sink(batch_of(stream, [1, 2, 3]))
    sink(batch_of(stream, [1, 2, 3]))
    sink(batch_of(stream, [2, 3, 4, 7]))
    assert arrived(engine) == [b"1", b"2", b"3", b"4", b"7"]
    assert cursors(engine) == {stream: 7}


def test_each_stream_has_a_cursor_of_its_own(engine: Engine) -> None:
    sink, one, other = sql_sink(engine, store), new_id(), new_id()
    sink(batch_of(one, [1, 2]))
    sink(batch_of(other, [1]))
    assert arrived(engine) == [b"1", b"1", b"2"]
    assert cursors(engine) == {one: 2, other: 1}


def test_when_the_write_fails_the_cursor_stays(engine: Engine) -> None:
    def store_and_fail(connection: Connection, batch: Batch[bytes]) -> None:
        store(connection, batch)
        raise ValueError("after the insert")

    stream = new_id()
    with pytest.raises(ValueError, match="after the insert"):
        SqlSink(engine, store_and_fail)(batch_of(stream, [1, 2]))
    assert arrived(engine) == []
    assert cursors(engine) == {}


def test_a_commit_of_unknown_outcome_is_retried_without_a_double(engine: Engine) -> None:
    """The connection breaks just after COMMIT: the queue must retry, and the cursor must notice."""
    inner = sql_sink(engine, store)
    failures = iter(range(3))

    def sink(batch: Batch[bytes]) -> None:
        inner(batch)
        if next(failures, None) is not None:
            raise ConnectionError("the answer to COMMIT never came")

    with BatchQueue(sink, name="t", batch_size=10, retry=QUICK) as queue:
        for item in numbered(0, 50):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert queue.stats.retries == 3
    assert arrived(engine) == numbered(0, 50)


def test_poison_is_passed_and_its_neighbours_are_stored_once(engine: Engine) -> None:
    with BatchQueue(sql_sink(engine, store), name="t", retry=QUICK) as queue:
        for item in (b"1", b"2", b"not a number", b"4", b"5"):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert cursors(engine) == {queue.stream: 5}
        assert [letter.payload for letter in queue.dead] == [b"not a number"]
    assert arrived(engine) == [b"1", b"2", b"4", b"5"]


def test_a_replay_after_a_lost_acknowledgement_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    """The process dies after COMMIT and before the spool hears of it: the worst moment."""
    spool = tmp_path / "spool"
    inner = sql_sink(engine, store)

    def die_after_commit(batch: Batch[bytes]) -> None:
        inner(batch)
        raise ConnectionError("as good as dead")

    queue = BatchQueue(die_after_commit, name="t", spool=spool, retry=QUICK)
    for item in numbered(0, 30):
        queue.put(item)
    assert not queue.close(0.1)
    assert arrived(engine) == numbered(0, 30)
    with BatchQueue(sql_sink(engine, store), name="t", spool=spool) as queue:
        assert queue.flush(PATIENCE)
        assert queue.stats.recovered == 30
    assert arrived(engine) == numbered(0, 30)


def test_the_cursor_of_a_stream_that_has_ended_is_forgotten(engine: Engine, tmp_path: Path) -> None:
    with BatchQueue(sql_sink(engine, store), name="t", spool=tmp_path / "spool") as queue:
        queue.put(b"1")
        assert queue.flush(PATIENCE)
        assert cursors(engine) == {queue.stream: 1}
    assert cursors(engine) == {}
