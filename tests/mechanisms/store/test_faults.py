"""What a database refuses is said in one line that helps, and never as a driver's error."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import make_url, text

from rookery import app
from rookery.base.config import Config, Database
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import DatabaseUnavailable, engines
from rookery.mechanisms.store.faults import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseFull,
    DatabaseReadOnly,
    DatabaseUnreachable,
)
from tests.conftest import Call
from tests.servers import free_port

INSERT = text("INSERT INTO writebehind_cursor (stream, seq) VALUES (:stream, 1)")


def open_url(url: str, data_dir: Path) -> app.Rook:
    return app.open(config=Config(data_dir=data_dir, database=Database(url=url)))


def test_a_lock_that_is_never_released_is_a_busy_database(
    sqlite_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", 0.01)
    with open_url(sqlite_url, data_dir) as rook:
        other = sqlite3.connect(data_dir / "rookery.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match="look for a stuck process"), rook.transaction() as session:
            session.execute(INSERT, {"stream": "never"})
        other.close()
        with rook.transaction() as session:
            session.execute(INSERT, {"stream": "afterwards"})


def test_a_file_that_is_no_database_is_left_as_it_is(data_dir: Path) -> None:
    file = data_dir / "notes.db"
    file.write_text("these are my notes\n" * 100)
    with pytest.raises(DatabaseDamaged, match=r"notes\.db.*restore the last"):
        open_url(f"sqlite:///{file}", data_dir)
    assert file.read_text().startswith("these are my notes")


def test_a_folder_that_is_not_there_is_named(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match=re.escape(str(data_dir / "missing"))):
        open_url(f"sqlite:///{data_dir}/missing/rookery.db", data_dir)


@pytest.mark.postgres
def test_a_server_that_does_not_answer_is_named_without_its_password(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnreachable) as caught:
        open_url(f"postgresql://me:hush-hush@127.0.0.1:{free_port()}/rookery", data_dir)
    assert "127.0.0.1" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_unreachable(postgres_url: str, data_dir: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match="does not exist"):
        open_url(postgres_url + "_gone", data_dir)


@pytest.mark.postgres
def test_a_postgresql_that_takes_no_writes_is_read_only(postgres_url: str, data_dir: Path) -> None:
    read_only = f"{postgres_url}?options=-c%20default_transaction_read_only%3Don"
    with open_url(read_only, data_dir) as rook:
        assert rook.scans.scope_entries() == []
        with pytest.raises(DatabaseReadOnly, match="takes no writes"):
            rook.scans.add_to_scope("192.0.2.0/24")


@pytest.mark.postgres
def test_a_user_of_postgresql_who_may_only_read_reads(postgres_url: str, data_dir: Path) -> None:
    with open_url(postgres_url, data_dir) as rook:
        rook.scans.add_to_scope("192.0.2.0/24")
        with rook.transaction() as session:
            session.execute(text("DROP ROLE IF EXISTS reader"))
            session.execute(text("CREATE ROLE reader LOGIN"))
            session.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    reader = make_url(postgres_url).set(username="reader").render_as_string()
    with open_url(reader, data_dir) as rook:
        assert [row.entry for row in rook.scans.scope_entries()] == ["192.0.2.0/24"]
        assert [entry.event_type for entry in rook.audit.list(fresh=True)] == ["scope.added"]
        assert rook.audit.verify().is_intact
        with pytest.raises(DatabaseReadOnly, match=r"permission denied.*takes no writes"):
            rook.scans.remove_from_scope("192.0.2.0/24")
        with pytest.raises(DatabaseReadOnly):
            rook.audit.record("note.added", object="x")
    with open_url(postgres_url, data_dir) as rook, rook.transaction() as session:
        session.execute(text("DROP OWNED BY reader"))


@pytest.fixture
def anyones_dir(sqlite_template: Path) -> Iterator[Path]:
    """A data directory that every user may enter, with a migrated database."""
    with TemporaryDirectory() as directory:
        path = Path(directory)
        path.chmod(0o777)
        (path / "rookery.db").write_bytes(sqlite_template.read_bytes())
        yield path


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from rookery import app
from rookery.base.config import Config
from rookery.base.errors import RookeryError
import rookery.mechanisms.store.engines, sqlalchemy.dialects.sqlite
if os.getuid() == 0:
    os.setuid(65534)
try:
    with app.open(config=Config(data_dir=Path(sys.argv[1]))) as rook:
        print("[" + ",".join(row.entry for row in rook.scans.scope_entries()) + "]", end=" ")
        rook.scans.add_to_scope("10.0.0.0/8")
except RookeryError as error:
    print(error.code, error)
"""


def as_unprivileged(data_dir: Path) -> str:
    """What opening Rookery there says to a user who is not root, whom permissions do not stop."""
    done = subprocess.run([sys.executable, "-c", UNPRIVILEGED, data_dir], capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize("is_running", [False, True], ids=["at rest", "while its owner writes"])
@pytest.mark.parametrize("mode", [0o777, 0o555])
def test_a_read_only_file_is_opened_to_be_read(anyones_dir: Path, mode: int, is_running: bool) -> None:
    """What its owner has written and not yet moved from the -wal into the file is seen, too."""
    (anyones_dir / "rookery.db").chmod(0o644)
    with closing(sqlite3.connect(anyones_dir / "rookery.db")) as owner:
        if is_running:
            owner.execute(
                "INSERT INTO scope_entry (entry, added_us, added_by) VALUES ('192.0.2.7', 1, 'owner')"
            )
            owner.commit()
        anyones_dir.chmod(mode)
        answer = as_unprivileged(anyones_dir)
        anyones_dir.chmod(0o777)
    expected = "192.0.2.7" if is_running else ""
    assert re.match(rf"\[{expected}\] database-read-only .*rookery\.db: .*takes no writes", answer), answer


def test_a_data_directory_that_is_closed_to_the_user_is_named(anyones_dir: Path) -> None:
    anyones_dir.chmod(0)
    answer = as_unprivileged(anyones_dir)
    anyones_dir.chmod(0o777)
    assert re.match(rf"data-dir-unusable {anyones_dir}: .*--data-dir", answer)


FILL = """
import resource, signal, sys
from pathlib import Path
from sqlalchemy import make_url, text
from rookery import app
from rookery.base.config import Config
from rookery.base.errors import RookeryError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with app.open(config=Config(data_dir=Path(sys.argv[1]))) as rook:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    try:
        with rook.transaction() as session:
            for n in range(100):
                row = {"stream": f"{n}" + "x" * 100_000}
                session.execute(text("INSERT INTO writebehind_cursor VALUES (:stream, 1)"), row)
    except RookeryError as error:
        print(error.code)
    with rook.reading() as session:
        print(session.scalar(text("SELECT count(*) FROM writebehind_cursor")))
"""


def test_a_full_disk_is_reported_and_the_transaction_rolled_back(anyones_dir: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILL, anyones_dir], capture_output=True, text=True)
    assert done.stdout.split() == ["database-full", "0"], done.stderr


def test_an_error_of_the_statement_itself_passes_as_it_is(call: Call) -> None:
    from sqlalchemy.exc import IntegrityError

    @dual
    def twice(rook: Rook, /) -> None:
        with rook.transaction() as session:
            session.execute(INSERT, {"stream": "a"})
            session.execute(INSERT, {"stream": "a"})

    with pytest.raises(IntegrityError):
        call(twice)


def test_every_fault_is_a_kind_of_unavailability_that_says_what_to_do() -> None:
    for kind in (DatabaseBusy, DatabaseDamaged, DatabaseFull, DatabaseReadOnly, DatabaseUnreachable):
        assert issubclass(kind, DatabaseUnavailable)
        assert kind.exit_status == 7
