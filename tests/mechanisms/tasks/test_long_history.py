"""However many tasks have ended, nothing that workers and people do all the time reads them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from rookery.base.clock import now
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.service import cancel_task, health, prune_tasks, retry_task, submit_task
from rookery.mechanisms.tasks.worker import upkeep
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team
from tests.patience import wait_for

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
READS_ALL = re.compile(r"SCAN task(?!_)(?! USING (COVERING )?INDEX ix_task_(?!type))|ix_task_type")
"""In a plan: the whole table, or an index that has all tasks in it."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Each statement that is executed, by any engine or by the driver itself, with values for it."""
    seen: dict[str, Any] = {}
    run = sql.run

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        seen[statement] = values[0] if many else values

    def noted(connection: Connection, statement: str, values: Any = ()) -> sql.Rows:
        note(connection, None, statement, values, None, isinstance(values, list))
        return run(connection, statement, values)

    monkeypatch.setattr(sql, "run", noted)
    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
def test_no_statement_reads_what_has_ended(
    call: Call, team: Team, gate: GateKeeper, data_dir: Path, statements: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(upkeep, "BEAT", 0.1)
    live_a_little(call, team, gate)
    wait_for(lambda: any("lease_until_us <" in statement for statement in statements))
    with closing(sqlite3.connect(data_dir / "rookery.db")) as database:
        plans = {each: plan(database, each, values) for each, values in statements.items() if is_theirs(each)}
    assert len(plans) > 20
    assert {each: found for each, found in plans.items() if READS_ALL.search(found)} == {}


def live_a_little(call: Call, team: Team, gate: GateKeeper) -> None:
    """A bit of all that can happen to tasks."""
    call(submit_task, "echo", 1, idempotency_key="key")
    call(submit_task, "echo", 1, idempotency_key="key")
    call(submit_task, "echo", 1, run_at=now() + timedelta(seconds=0.2))
    call(submit_task, "limited", gate.payload)
    call(submit_task, "limited", gate.payload)
    failing = call(submit_task, "fail", {"error": "other"})
    later = call(submit_task, "echo", 1, run_at=now() + timedelta(days=1))
    team.start()
    gate.begun()
    gate.open()
    team.ended(failing)
    call(retry_task, failing)
    call(cancel_task, later)
    call(prune_tasks, LONG_AGO)
    call.rook.tasks.list(status=["failed"])
    call(health)


def is_theirs(statement: str) -> bool:
    return bool(re.search(r"\btask\b", statement)) and statement.lstrip()[:6] in {
        *("SELECT", "UPDATE", "DELETE", "WITH p", "INSERT"),
    }


def plan(database: sqlite3.Connection, statement: str, values: Any) -> str:
    rows = database.execute(f"EXPLAIN QUERY PLAN {statement}", values)
    return "; ".join(row[3] for row in rows)
