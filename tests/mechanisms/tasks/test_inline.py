"""The synchronous backend: a task has ended when submitting it returns."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from rookery.base.clock import now
from rookery.base.config import Queue, encode_config
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.presence import dead_workers
from rookery.mechanisms.tasks.rules import RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.service import get_task, health, retry_task, submit_task
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team
from tests.mechanisms.tasks.jobs import EVERYWHERE
from tests.mechanisms.tasks.test_ending import assert_gone
from tests.mechanisms.tasks.test_running import (  # noqa: F401  it holds here, too
    test_the_row_tells_who_wanted_what_and_all_that_came_of_it,
)
from tests.patience import PATIENCE, wait_for


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


@pytest.mark.parametrize("runs", ["thread", "process"])
def test_what_is_reported_is_seen_while_it_runs(call: Call, gate: GateKeeper, runs: str) -> None:
    with submitting(call, f"report.{runs}", gate.payload):
        task = soon(call, lambda task: task.total is not None)
        assert (task.status, task.done, task.total) == (TaskStatus.RUNNING, 3, 7)
        gate.open()
    [task] = call.rook.tasks.list()
    assert (task.status, task.done, task.message) == (TaskStatus.COMPLETED, 7, "all")


@pytest.mark.parametrize("runs", EVERYWHERE)
def test_what_runs_for_too_long_is_ended_and_tried_again(call: Call, gate: GateKeeper, runs: str) -> None:
    again = RetryPolicy(temporary=1, first_delay=0.001)
    task = call(get_task, call(submit_task, f"gate.{runs}", gate.payload, timeout=0.2, retry=again))
    assert task.failure is not None
    assert (task.status, task.attempts, task.failure.error) == (TaskStatus.FAILED, 2, "TaskTimedOut")


def test_what_somebody_cancels_is_ended_with_the_programs_that_it_has_started(
    call: Call, gate: GateKeeper
) -> None:
    with submitting(call, "gate.program", gate.payload):
        program = int(gate.begun()[0])
        [task] = call.rook.tasks.list()
        assert call.rook.tasks.cancel_task(task.id)
    assert call.rook.tasks.get_task_status(task.id) is TaskStatus.CANCELLED
    assert_gone(program)


@contextmanager
def submitting(call: Call, task_type: str, payload: dict[str, str]) -> Iterator[None]:
    """Somebody submits it, and waits for its end."""
    assert call.rook.tasks.list() == []
    assert not call.is_async or call.async_rook  # opened where it is closed
    with ThreadPoolExecutor(1) as somebody:
        waiting = somebody.submit(call, submit_task, task_type, payload)
        yield
        waiting.result(PATIENCE)


def soon(call: Call, is_so: Callable[[TaskInfo], bool]) -> TaskInfo:
    """The one task there is, once something is true of it."""
    wait_for(lambda: any(map(is_so, call.rook.tasks.list())))
    [task] = call.rook.tasks.list()
    return task


@pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
def test_ctrl_c_ends_the_task_and_goes_on_to_the_submitter(call: Call, gate: GateKeeper) -> None:
    def press() -> None:
        gate.begun()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with ThreadPoolExecutor(1) as person:
        pressed = person.submit(press)
        with pytest.raises(KeyboardInterrupt):
            call(submit_task, "gate.thread", gate.payload)
        pressed.result()
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
