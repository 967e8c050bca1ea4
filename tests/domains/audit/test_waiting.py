"""A database that takes nothing: nobody waits for it for ever, and nothing that was recorded is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rookery.domains.audit import service as audit_service
from rookery.domains.audit.errors import EntriesWaiting
from rookery.domains.audit.service import AuditService
from rookery.mechanisms.writebehind import has_leftovers
from tests.domains.audit.conftest import serve


def rename(database: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")


@pytest.fixture
def stuck(sqlite_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AuditService:
    """A service with one entry, whose table is gone."""
    monkeypatch.setattr(audit_service, "PATIENCE", 0.2)
    rename(data_dir / "rookery.db", "audit_entry", "elsewhere")
    service = serve(sqlite_url, data_dir)
    service.record("scan.started", actor="alice", object="run 1")
    return service


@pytest.mark.parametrize("wait", [lambda s: s.settle(), lambda s: s.verify()], ids=["settle", "verify"])
def test_who_wants_to_see_all_entries_hears_that_some_wait(
    stuck: AuditService, wait: Callable[[AuditService], Any]
) -> None:
    with stuck, pytest.raises(EntriesWaiting, match=r"audit entries not stored yet: 1 \(.*no such table"):
        wait(stuck)


def test_closing_gives_up_and_the_next_service_stores_what_waited(
    stuck: AuditService, sqlite_url: str, data_dir: Path
) -> None:
    assert not stuck.close()
    assert has_leftovers(data_dir / "spool" / "audit")
    rename(data_dir / "rookery.db", "elsewhere", "audit_entry")
    with serve(sqlite_url, data_dir) as service:
        assert service.verify().entries == 1
    assert not has_leftovers(data_dir / "spool" / "audit")
