"""`rookery db`: upgrade, current, check, backup, as a user meets them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rookery.mechanisms.store import head_revision

Db = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def db(cli: Db, data_dir: Path) -> Db:
    """`db("current")` runs `rookery db current` on the test's own data directory."""
    return lambda *arguments, **options: cli("--data-dir", str(data_dir), "db", *arguments, **options)


def test_upgrade_makes_the_database_and_then_has_nothing_to_do(db: Db) -> None:
    first, second = db("upgrade"), db("upgrade")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.splitlines()[-1] == f"applied {head_revision()}"
    assert second.stdout == ""
    assert second.stderr == f"The database is at {head_revision()}.\n"


def test_looking_makes_no_database(db: Db, data_dir: Path) -> None:
    for command in ("current", "check"):
        done = db(command)
        assert done.returncode == 5
        assert "`rookery db upgrade` makes it" in done.stderr
    assert list(data_dir.iterdir()) == []


def test_current_tells_the_revision(db: Db, sqlite_url: str) -> None:
    assert db("current").stdout == f"{head_revision()}\n"
    facts = json.loads(db("current", "--json").stdout)
    assert (facts["revision"], facts["head"]) == (head_revision(), head_revision())


def test_check_finds_a_sound_database_sound(db: Db, sqlite_url: str) -> None:
    done = db("check", "--json")
    assert json.loads(done.stdout) == {"ok": True, "problems": []}
    assert done.returncode == 0


def test_check_names_what_is_not_as_expected(db: Db, sqlite_url: str, data_dir: Path) -> None:
    alter(data_dir, "ALTER TABLE writebehind_cursor ADD COLUMN surprise TEXT")
    done = db("check")
    assert done.stdout == "remove column: writebehind_cursor surprise\n"
    assert done.returncode == 1


def test_a_newer_database_is_one_line_and_a_conflict(db: Db, sqlite_url: str, data_dir: Path) -> None:
    alter(data_dir, "UPDATE alembic_version SET version_num = '9999_next'")
    for command in ("upgrade", "check"):
        done = db(command)
        assert done.returncode == 6
        assert done.stderr.count("\n") == 1
        assert "install that version here too" in done.stderr
    done = db("current")
    assert (done.returncode, done.stdout) == (0, "9999_next\n")
    assert "install that version here too" in done.stderr


def alter(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / "rookery.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_backup_writes_a_database_that_can_be_put_in_place(db: Db, sqlite_url: str, data_dir: Path) -> None:
    copy = data_dir / "copy.db"
    assert f"remove {data_dir / 'rookery.db'}-wal" in db("backup", str(data_dir / "other.db")).stderr
    done = db("backup", str(copy), "--json")
    assert json.loads(done.stdout) == {"file": str(copy), "bytes": copy.stat().st_size}
    copy.replace(data_dir / "rookery.db")
    assert db("check").returncode == 0


@pytest.mark.postgres
def test_every_command_works_on_postgresql_but_backup_names_its_tool(db: Db, empty_postgres_url: str) -> None:
    env = {"ROOKERY_DATABASE__URL": empty_postgres_url}
    for command in ("upgrade", "current", "check"):
        assert db(command, env=env).returncode == 0
    done = db("backup", "copy", env=env)
    assert done.returncode == 2
    assert "pg_dump" in done.stderr
