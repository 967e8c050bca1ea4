"""The synchronous backend: a task has ended when submitting it returns."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import pytest

from rookery.base.clock import now
from rookery.base.config import Queue, encode_config
from rookery.mechanisms.tasks.presence import dead_workers
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.service import get_task, health, retry_task, submit_task
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team


@pytest.fixture
def queue_settings() -> Queue:
    """Whoever submits a task does it."""
    return Queue(backend="inline")


@pytest.mark.parametrize("task_type", ["echo", "echo.loop", "echo.greenlet", "echo.process"])
def test_a_task_has_ended_when_submitting_it_returns(call: Call, task_type: str) -> None:
    task = call(get_task, call(submit_task, task_type, [1, 2]))
    assert (task.status, task.result, task.attempts) == (TaskStatus.COMPLETED, [1, 2], 1)
    assert call(health).backend == "inline"


def test_retries_and_their_waiting_are_included(call: Call) -> None:
    later = call(get_task, call(submit_task, "fail", {"error": "temporary", "attempts": 2}))
    assert (later.status, later.result) == (TaskStatus.COMPLETED, 3)
    never = call(get_task, call(submit_task, "fail", {"error": "other"}))
    assert (never.status, never.attempts) == (TaskStatus.FAILED, 2)
    call(retry_task, never.id)
    assert call(get_task, never.id).attempts == 4


@pytest.mark.parametrize("runs", ["thread", "loop"])
def test_it_is_done_in_the_name_of_who_submitted_it(call: Call, runs: str) -> None:
    house: Any = call.async_rook if call.is_async else call.rook
    submitted = house.acting_as("alice").tasks.submit_task
    call(lambda _: submitted(f"act.{runs}", "192.0.2.7"))
    house.audit.service.flush()
    entries = [(e.event_type, e.actor) for e in call.rook.audit.list(fresh=True) if e.object == "192.0.2.7"]
    assert entries == [("scope.added", "alice")]


def test_what_is_for_later_stays_for_a_worker(call: Call) -> None:
    task_id = call(submit_task, "echo", 1, run_at=now().replace(year=2100))
    assert call(get_task, task_id).status is TaskStatus.SCHEDULED


@pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
def test_what_a_limit_keeps_waiting_stays_for_a_worker(call: Call, gate: GateKeeper, team: Team) -> None:
    rook = call.rook
    first = threading.Thread(target=rook.tasks.submit_task, args=("limited", gate.payload))
    first.start()
    gate.begun()
    second = rook.tasks.submit_task("limited", gate.payload)
    assert rook.tasks.get_task(second).waits_for == str(gate.log.parent)
    gate.open()
    first.join()
    assert rook.tasks.get_task_status(second) is TaskStatus.PENDING
    assert "no worker is there" in rook.tasks.health().problems[0]
    team.start()
    assert team.ended(second).status is TaskStatus.COMPLETED


@pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
def test_ctrl_c_ends_the_task_and_goes_on_to_the_submitter(call: Call) -> None:
    with pytest.raises(KeyboardInterrupt):
        call(submit_task, "fail", {"error": "ctrl-c"})
    assert call.rook.tasks.list()[0].status is TaskStatus.CANCELLED
    assert dead_workers(call.rook.data_dir) == []


SUBMIT = """
import json, sys
from rookery import app
from rookery.base.config import decode_config
from tests.mechanisms.tasks.jobs import TYPES
settings, payload = sys.argv[1:]
app.open(config=decode_config(settings), types=TYPES).tasks.submit_task("gate.thread", json.loads(payload))
"""


@pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
def test_what_a_killed_submitter_left_is_pending_when_the_next_one_comes(
    call: Call, gate: GateKeeper
) -> None:
    arguments = [encode_config(call.config), json.dumps(gate.payload)]
    with subprocess.Popen([sys.executable, "-c", SUBMIT, *arguments]) as submitter:
        task_id = gate.begun()[0].split()[0]
        submitter.kill()
    assert call(get_task, task_id).status is TaskStatus.RUNNING
    call(submit_task, "echo", 1)
    task = call(get_task, task_id)
    assert (task.status, task.failed_attempts[0].outcome) == (TaskStatus.PENDING, "worker lost")
