"""Backups of a SQLite database: whole while it is written to, its owner's alone, never over another file."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.store.backup import BackupExists, BackupFailed, BackupNeedsTool, back_up
from rookery.mechanisms.store.inspection import damage

PAIR = text("INSERT INTO writebehind_cursor (stream, seq) VALUES (:a, 1), (:b, 1)")


def test_a_backup_taken_while_others_write_is_consistent(sqlite_rook: Rook, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            with sqlite_rook.transaction() as session:
                session.execute(PAIR, {"a": f"{number}a", "b": f"{number}b"})

    writer = threading.Thread(target=write)
    writer.start()
    for number in range(5):
        back_up(sqlite_rook.engine, tmp_path / f"{number}.db")
    done.set()
    writer.join()
    for number in range(5):
        with closing(sqlite3.connect(tmp_path / f"{number}.db")) as copy:
            assert copy.execute("SELECT count(*) % 2 FROM writebehind_cursor").fetchone() == (0,)
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_is_one_private_file_and_its_size_is_told(sqlite_rook: Rook, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    size = back_up(sqlite_rook.engine, target)
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    assert (target.stat().st_size, target.stat().st_mode & 0o777) == (size, 0o600)


def test_a_backup_is_never_written_over_a_file(sqlite_rook: Rook, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    with pytest.raises(BackupExists, match="choose another"):
        back_up(sqlite_rook.engine, target)
    assert target.read_text() == "precious"


def test_a_backup_that_cannot_be_written_leaves_nothing(sqlite_rook: Rook, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="name another folder"):
        back_up(sqlite_rook.engine, tmp_path / "missing" / "copy.db")
    assert not (tmp_path / "missing").exists()


@pytest.mark.postgres
def test_postgresql_is_referred_to_its_own_tool(postgres_url: str, tmp_path: Path) -> None:
    engine = open_engine(postgres_url)
    with pytest.raises(BackupNeedsTool, match="pg_dump"):
        back_up(engine, tmp_path / "copy")
    engine.dispose()


def test_damage_in_the_file_is_found(sqlite_rook: Rook, tmp_path: Path) -> None:
    file = tmp_path / "damaged.db"
    back_up(sqlite_rook.engine, file)
    engine = open_engine(f"sqlite:///{file}")
    assert damage(engine) == []
    with engine.begin() as connection:
        connection.execute(text("PRAGMA writable_schema = ON"))
        connection.execute(text("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'writebehind_cursor'"))
    engine.dispose()
    assert damage(engine) != []
    engine.dispose()
