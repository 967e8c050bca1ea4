"""What is to end, ends: by its time limit, by a cancellation, with its worker; and all it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rookery.base.clock import now
from rookery.mechanisms.tasks.errors import TaskNotFound
from rookery.mechanisms.tasks.rules import RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.service import cancel_task, get_task, retry_task, submit_task
from rookery.mechanisms.tasks.worker import work
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, database_worker, patiently
from tests.mechanisms.tasks.jobs import EVERYWHERE
from tests.patience import PATIENCE

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
everywhere = pytest.mark.parametrize("runs", EVERYWHERE)

NEVER = RetryPolicy(temporary=0, other=0)


@pytest.fixture(autouse=True)
def _little_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deaf is left alone soon."""
    monkeypatch.setattr(work, "GRACE_SECONDS", 0.5)


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def assert_gone(pid: int) -> None:
    for _ in patiently():
        if not is_alive(pid):
            return
    raise AssertionError(f"process {pid} is still there")


# --- time limits


@everywhere
@databases
def test_what_runs_for_too_long_is_ended_and_tried_again(
    call: Call, team: Team, gate: GateKeeper, runs: str
) -> None:
    policy = RetryPolicy(temporary=1, first_delay=0.001)
    task_id = call(submit_task, f"gate.{runs}", gate.payload, timeout=0.2, retry=policy)
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.FAILED, 2)
    assert task.failure is not None
    assert (task.failure.error, task.failure.code) == ("TaskTimedOut", "task-timed-out")
    assert task.failure.message == "It ran for longer than 0.2 s, and was ended."
    assert [attempt.outcome for attempt in task.failed_attempts] == ["retrying", "failed"]


@databases
def test_the_traceback_of_a_timeout_says_where_it_was(call: Call, team: Team, gate: GateKeeper) -> None:
    task_id = call(submit_task, "gate.thread", gate.payload, timeout=1, retry=NEVER)
    team.start()
    failure = team.ended(task_id).failure
    assert failure is not None
    assert "in wait_at" in failure.traceback


@databases
def test_a_function_that_catches_every_exception_is_ended_all_the_same(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    task_id = call(submit_task, "gate.swallows", gate.payload, timeout=0.1)
    team.start()
    assert team.ended(task_id).failure.error == "TaskTimedOut"  # type: ignore[union-attr]


@databases
def test_a_function_that_is_deaf_is_left_alone_and_its_hand_replaced(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    deaf = call(submit_task, "gate.deaf", gate.payload, timeout=0.1)
    team.start(concurrency=1)
    assert team.ended(deaf).failure.error == "TaskTimedOut"  # type: ignore[union-attr]
    others = [call(submit_task, "echo", number) for number in range(3)]
    assert [team.ended(task_id).result for task_id in others] == [0, 1, 2]
    gate.open()  # what it does now is nobody's
    assert team.ended(call(submit_task, "echo", 4)).result == 4
    assert team.look(deaf).status is TaskStatus.FAILED


@pytest.mark.parametrize("where", ["program", "child"])
@databases
def test_the_programs_that_a_task_has_started_end_with_it(
    call: Call, team: Team, gate: GateKeeper, where: str
) -> None:
    """One that it has adopted, in a thread; and one in a child's own process group."""
    task_id = call(submit_task, f"gate.{where}", gate.payload)
    team.start()
    program = int(gate.begun()[0])
    assert is_alive(program)
    call(cancel_task, task_id)
    assert team.ended(task_id).status is TaskStatus.CANCELLED
    assert_gone(program)


@databases
def test_what_a_child_leaves_behind_ends_with_it(call: Call, team: Team, gate: GateKeeper) -> None:
    task_id = call(submit_task, "leaves.program", gate.payload)
    team.start()
    assert team.ended(task_id).result == "through"
    assert_gone(int(gate.log.read_text()))


@databases
def test_a_process_that_somebody_else_terminates_is_given_back(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    """As a supervisor does that terminates all processes of a service."""
    task_id = call(submit_task, "pid.process", gate.payload)
    team.start()
    os.kill(int(gate.begun()[0]), signal.SIGTERM)
    gate.open()
    task = team.ended(task_id)
    assert [attempt.outcome for attempt in task.failed_attempts] == ["given back"]
    assert (task.status, task.failure, task.result) == (TaskStatus.COMPLETED, None, "through")


def test_a_traced_program_goes_on_when_a_task_of_its_worker_was_ended(data_dir: Path, tmp_path: Path) -> None:
    """An exception thrown into a thread, and not arrived, has CPython 3.11 stand still under a tracer."""
    code = """
import sys
from rookery import app
from rookery.mechanisms.tasks.rules import ENDED
from rookery.mechanisms.tasks.worker.embedded import embedded
from tests.mechanisms.tasks.jobs import TYPES, CHILD
with app.open(sys.argv[1], types=TYPES) as rook, embedded(app.worker_of(rook, child=CHILD)):
    tasks = [rook.tasks.submit_task("echo", 1)]
    tasks += [rook.tasks.submit_task("gate.swallows", {"log": sys.argv[2], "until": "/nowhere"}, timeout=0.2)]
    while not all(rook.tasks.get_task_status(task) in ENDED for task in tasks):
        pass
    sys.settrace(lambda *_: None)
    (lambda: print("goes on"))()
    sys.settrace(None)
"""
    command = [sys.executable, "-c", code, str(data_dir), str(tmp_path / "log")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE).stdout == "goes on\n"


# --- cancellation


@everywhere
def test_what_runs_is_ended_when_it_is_cancelled(call: Call, team: Team, gate: GateKeeper, runs: str) -> None:
    task_id = call(submit_task, f"gate.{runs}", gate.payload)
    team.start()
    gate.begun()
    assert call(cancel_task, task_id)
    assert call(cancel_task, task_id) in {True, False}  # a second time does no harm
    task = team.ended(task_id)
    assert (task.status, task.attempts, task.result) == (TaskStatus.CANCELLED, 1, None)
    assert not call(cancel_task, task_id)


def test_what_waits_is_cancelled_at_once(call: Call, team: Team) -> None:
    pending = call(submit_task, "echo", 1)
    later = call(submit_task, "echo", 1, run_at=now().replace(year=2100))
    for task_id in (pending, later):
        assert call(cancel_task, task_id)
        task = call(get_task, task_id)
        assert (task.status, task.attempts) == (TaskStatus.CANCELLED, 0)
        assert task.finished_us is not None


@databases
def test_what_waits_for_its_next_attempt_is_cancelled_at_once(call: Call, team: Team) -> None:
    slow = RetryPolicy(first_delay=86_400.0, longest_delay=86_400.0)
    task_id = call(submit_task, "fail", {"error": "temporary"}, retry=slow)
    team.start()
    team.once(task_id, lambda task: task.status is TaskStatus.RETRYING)
    assert call(cancel_task, task_id)
    assert team.look(task_id).status is TaskStatus.CANCELLED


@databases
def test_what_somebody_cancelled_while_its_attempt_failed_is_not_tried_again(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    """It is deaf to the cancellation, and fails by its time limit, which would have it tried again."""
    again = RetryPolicy(temporary=3, first_delay=0.001)
    task_id = call(submit_task, "gate.deaf", gate.payload, timeout=0.2, retry=again)
    team.start()
    team.once(task_id, lambda _: bool(gate.begun()))
    time.sleep(0.3)  # it is being ended for its time limit
    call(cancel_task, task_id)
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.CANCELLED, 1)
    assert task.failure is not None
    assert task.failure.error == "TaskTimedOut"


@databases
def test_what_was_cancelled_can_be_done_again(call: Call, team: Team) -> None:
    task_id = call(submit_task, "echo", 5)
    call(cancel_task, task_id)
    call(retry_task, task_id)
    team.start()
    assert team.once(task_id, lambda task: task.status is TaskStatus.COMPLETED).result == 5


def test_what_is_not_there_cannot_be_cancelled(call: Call) -> None:
    with pytest.raises(TaskNotFound):
        call(cancel_task, "01a2166d-8e68-74ea-9209-9e8d140f03ff")


# --- the end of the worker


@databases
def test_a_worker_that_stops_lets_its_tasks_end_and_takes_no_more(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    task_id = call(submit_task, "gate.thread", gate.payload)
    worker = database_worker(team.start(concurrency=2))
    gate.begun()
    worker.stop()
    left = call(submit_task, "echo", 1)
    gate.open()
    team.join()
    assert team.look(task_id).status is TaskStatus.COMPLETED
    assert team.look(left).status is TaskStatus.PENDING
    assert call.rook.tasks.health().workers == ()


@everywhere
@databases
def test_a_second_stop_gives_back_what_runs(call: Call, team: Team, gate: GateKeeper, runs: str) -> None:
    task_id = call(submit_task, f"gate.{runs}", gate.payload)
    worker = database_worker(team.start())
    gate.begun()
    worker.stop()
    team.stop()
    task = team.look(task_id)
    assert (task.status, task.attempts, task.worker_id) == (TaskStatus.PENDING, 1, None)
    assert [attempt.outcome for attempt in task.failed_attempts] == ["given back"]
    gate.open()
    team.start()
    assert team.ended(task_id).result == "through"
    assert team.look(task_id).attempts == 2


@databases
def test_a_deaf_task_does_not_keep_its_worker(call: Call, team: Team, gate: GateKeeper) -> None:
    task_id = call(submit_task, "gate.deaf", gate.payload)
    worker = database_worker(team.start())
    gate.begun()
    worker.stop()
    team.stop()
    assert team.look(task_id).status is TaskStatus.PENDING
    gate.open()  # its thread ends now, and writes to nothing that is another's meanwhile


@databases
def test_a_worker_that_drains_ends_when_nothing_is_left_that_could_run_now(call: Call, team: Team) -> None:
    ids = [call(submit_task, "echo", number) for number in range(30)]
    later = call(submit_task, "echo", 1, run_at=now().replace(year=2100))
    worker = database_worker(team.start(concurrency=3, drains=True))
    team.join()
    assert {team.look(task_id).status for task_id in ids} == {TaskStatus.COMPLETED}
    assert team.look(later).status is TaskStatus.SCHEDULED
    assert worker.presence.id not in {each.id for each in call.rook.tasks.health().workers}
