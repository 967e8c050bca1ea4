"""Engines: how SQLite is set up, who waits for whom, and what happens across a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rookery.base.errors import ConfigError
from rookery.mechanisms.dual import dual_read
from rookery.mechanisms.store import explained, limit_idling, migrate, open_engine, read_only
from rookery.mechanisms.store.faults import DatabaseUnreachable
from tests.conftest import Call

INSERT = text("INSERT INTO writebehind_cursor (stream, seq) VALUES (:stream, 1)")
COUNT = text("SELECT count(*) FROM writebehind_cursor")


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 1),
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("cache_size", -16000),
    ],
)
def test_every_sqlite_connection_is_set_up(engine: Engine, pragma: str, value: object) -> None:
    with engine.connect() as first, read_only(engine).connect() as second:
        assert [first.scalar(text(f"PRAGMA {pragma}")), second.scalar(text(f"PRAGMA {pragma}"))] == [
            value,
            value,
        ]


def test_commits_wait_for_the_disk_where_that_is_wanted(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url, sync_commits=True)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2
    engine.dispose()


def test_a_writer_takes_the_lock_before_it_reads(engine: Engine) -> None:
    """Otherwise two that read first and write then would both fail half-way through."""
    with engine.connect() as connection:
        connection.execute(COUNT)
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run(
            [sys.executable, "-c", code, str(engine.url.database)], capture_output=True, text=True
        )
    assert "database is locked" in other.stderr


def test_a_reader_sees_its_snapshot_while_others_write(engine: Engine) -> None:
    with read_only(engine).connect() as reader:
        before = reader.scalar(COUNT)
        with engine.begin() as writer:
            writer.execute(INSERT, {"stream": "a"})
        assert reader.scalar(COUNT) == before == 0


def test_a_forked_child_uses_connections_of_its_own(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(INSERT, {"stream": "parent"})
    child = os.fork()
    if child == 0:
        try:
            with engine.begin() as connection:
                connection.execute(INSERT, {"stream": "child"})
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with engine.begin() as connection:
        connection.execute(INSERT, {"stream": "parent again"})
        assert connection.scalar(COUNT) == 3


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nonsense", "not a URL"),
        ("mysql://host/database", "starts with mysql"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_what_would(url: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"{complaint}.*sqlite:///path"):
        open_engine(url)


def test_an_error_does_not_repeat_the_values_of_its_statement(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as failure, engine.begin() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:value)"), {"value": "hunter2"})
    assert "hunter2" not in str(failure.value)


def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    migrate(engine)
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("new.db*")}
    engine.dispose()
    assert set(modes.values()) == {"0o600"}


def test_a_relative_path_stays_where_it_was_when_the_directory_changes(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rookery.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    engine = open_engine("sqlite:///rookery.db")
    monkeypatch.chdir("/")
    with engine.connect() as connection:
        assert connection.scalar(COUNT) == 0
    engine.dispose()


@pytest.mark.postgres
def test_a_transaction_of_a_machine_that_sleeps_does_not_keep_its_locks_for_ever(postgres_url: str) -> None:
    sleeper, other = open_engine(postgres_url), open_engine(postgres_url)
    limit_idling(sleeper, 0.2)
    asleep = sleeper.connect()
    asleep.execute(INSERT, {"stream": "one"})
    with other.begin() as connection:
        connection.execute(INSERT, {"stream": "one"})  # the same row: it waits
    with pytest.raises(DatabaseUnreachable), explained(sleeper):
        asleep.execute(COUNT)
    asleep.close()
    with other.begin() as connection:
        assert connection.execute(COUNT).scalar() == 1
    sleeper.dispose()
    other.dispose()


@pytest.mark.parametrize("call", ["sync-postgresql", "async-postgresql"], indirect=True)
@pytest.mark.postgres
def test_a_connection_that_the_server_has_dropped_costs_no_transaction(call: Call) -> None:
    @dual_read
    def count(session: Session, /) -> int:
        return int(session.scalars(COUNT).one())

    assert call(count) == 0
    drop = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    engine = open_engine(call.rook.engine.url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        connection.execute(drop)
    engine.dispose()
    assert call(count) == 0


WRITER = """
import sys, time
from pathlib import Path
from sqlalchemy import text
from rookery import app
from rookery.base.config import Config, Database
from rookery.mechanisms.dual import dual

url, writer, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
config = Config(data_dir=Path(sys.argv[4]), database=Database(url=url))
written = 0
with app.open(config=config) as rook:
    print("ready", flush=True)
    input()  # until all are
    end = time.time() + seconds
    while time.time() < end:
        with rook.transaction() as session:
            stored = session.scalar(text("SELECT count(*) FROM writebehind_cursor WHERE stream = 'all'"))
            if not stored:
                session.execute(text("INSERT INTO writebehind_cursor VALUES ('all', 0)"))
            session.execute(text("UPDATE writebehind_cursor SET seq = seq + 1 WHERE stream = 'all'"))
            row = {"stream": f"{writer}-{written}"}
            session.execute(text("INSERT INTO writebehind_cursor VALUES (:stream, 1)"), row)
        written += 1
print(written)
"""
SECONDS = 30


def test_eight_processes_write_one_file_for_thirty_seconds_without_loss_or_lock(
    sqlite_url: str, data_dir: Path
) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, sqlite_url, str(number), str(SECONDS), str(data_dir)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    answers = [writer.communicate() for writer in writers]
    assert [errors for _, errors in answers] == [""] * 8
    written = [int(count) for count, _ in answers]
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        rows = connection.scalar(COUNT)
        counter = connection.scalar(text("SELECT seq FROM writebehind_cursor WHERE stream = 'all'"))
    engine.dispose()
    assert min(written) > 0
    assert counter == rows - 1 == sum(written)
