"""The composition root: opening and closing Rookery, in both worlds."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, make_url, text

import rookery
from rookery import app
from rookery.base.config import Config, Database
from rookery.base.errors import RookeryError, Unavailable
from rookery.foundations import DataDirUnusable
from rookery.mechanisms.store import head_revision, revision_of
from tests.conftest import Call


def test_opening_makes_a_private_data_directory_and_migrates(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    with rookery.open(data_dir) as rook:
        assert revision_of(rook.engine) == head_revision()
        assert (rook.data_dir, rook.actor) == (data_dir, app.default_actor())
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "rookery.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.postgres
def test_a_database_that_hangs_up_while_it_is_opened_cannot_be_used_now(
    postgres_url: str, tmp_path: Path
) -> None:
    url = make_url(postgres_url)
    other = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    hang_up = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                   " AND datname = current_database()")  # fmt: skip

    def before(connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        if "FROM setting" in statement and connection.engine is not other:
            with other.connect() as administrator:
                administrator.execute(hang_up)

    event.listen(Engine, "before_cursor_execute", before)
    try:
        with pytest.raises(Unavailable):
            rookery.open(config=Config(data_dir=tmp_path, database=Database(url=postgres_url)))
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        other.dispose()


def test_the_actor_is_the_user_of_the_process_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USER", "someone-else")
    monkeypatch.setenv("LOGNAME", "someone-else")
    assert app.default_actor() == pwd.getpwuid(os.getuid()).pw_name


def test_coroutines_open_the_same(tmp_path: Path) -> None:
    async def open_twice() -> str | None:
        async with (
            rookery.aopen(tmp_path, actor="one") as first,
            rookery.aopen(tmp_path, actor="two") as second,
        ):
            assert (first.actor, second.actor) == ("one", "two")
            return revision_of(second.engine)

    with asyncio.Runner() as runner:
        assert runner.run(open_twice()) == head_revision()


def test_a_house_can_be_used_in_somebody_elses_name(call: Call) -> None:
    """What `alice` does is hers in the audit log; the house itself acts for whom it was opened."""
    house: Any = call.async_rook if call.is_async else call.rook

    async def both() -> None:
        await house.acting_as("alice").scans.add_to_scope("192.0.2.1")
        await house.scans.add_to_scope("192.0.2.2")

    if call.is_async:
        call(lambda _rook: both())
    else:
        house.acting_as("alice").scans.add_to_scope("192.0.2.1")
        house.scans.add_to_scope("192.0.2.2")
    house.audit.service.flush()
    assert [(entry.object, entry.actor) for entry in call.rook.audit.list()] == [
        ("192.0.2.2", "tester"), ("192.0.2.1", "alice"),
    ]  # fmt: skip
    assert (house.actor, house.acting_as("alice").actor) == ("tester", "alice")


def test_a_file_in_the_place_of_the_data_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataDirUnusable, match=r"data: .*name another with --data-dir"):
        rookery.open(tmp_path / "data")


def test_opening_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "rookery.db").write_text("no database" * 100)
    before = set(threading.enumerate())
    with pytest.raises(RookeryError):
        rookery.open(tmp_path)
    assert set(threading.enumerate()) == before


def test_a_house_is_opened_without_the_engine_of_templates() -> None:
    """Which takes 0.1 s to import: commands that scan nothing do without it."""
    look = "import sys, rookery.app; print('rookery.mechanisms.engine.template' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True).stdout == "False\n"
