"""However many findings there are, and however long their histories, a scan does not read them all."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from rookery.demo import WeakServer
from rookery.domains.scans import service
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.tools import running
from tests.conftest import Call

READS_ALL = re.compile(r"SCAN finding")


@pytest.fixture
def statements() -> Iterator[dict[str, Any]]:
    """Each statement about findings that is executed, with values for it."""
    seen: dict[str, Any] = {}

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if "finding" in statement:
            seen[statement] = values[0] if many else values

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def reading_all(statements: dict[str, Any], data_dir: Path) -> list[str]:
    """Those that read a whole table."""
    with closing(sqlite3.connect(data_dir / "rookery.db")) as database:
        return [each for each, values in statements.items() if READS_ALL.search(plan(database, each, values))]


def plan(database: sqlite3.Connection, statement: str, values: Any) -> str:
    rows = database.execute(f"EXPLAIN QUERY PLAN {statement}", values)
    return "; ".join(row[3] for row in rows)


@pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
def test_no_statement_of_a_scan_reads_all_findings_or_all_histories(
    call: Call, weak_server: WeakServer, data_dir: Path, statements: dict[str, Any]
) -> None:
    for _ in range(2):
        assert call(service.submit_scan, ScanPlan(endpoints=(weak_server.url,), rate_limit=0.0)).success
    assert len(statements) > 10
    assert reading_all(statements, data_dir) == []


@pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
def test_one_that_finds_more_than_is_remembered_tells_of_all_the_same(
    call: Call, weak_server: WeakServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "REMEMBERED", 3)
    result = call(service.submit_scan, ScanPlan(endpoints=(weak_server.url,), rate_limit=0.0))
    call.rook.audit.service.flush()
    [told] = call.rook.audit.list(event_type="findings.appeared")
    assert sum(told.details["counts"].values()) == result.finding_count > 3
