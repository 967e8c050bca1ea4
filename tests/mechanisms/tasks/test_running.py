"""What is submitted is done, where its type says, and what came of it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.service import get_task_result, submit_task
from rookery.mechanisms.tasks.worker import core, upkeep
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team
from tests.patience import wait_for

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)


@pytest.mark.parametrize("task_type", ["echo", "echo.loop", "echo.greenlet", "echo.process"])
def test_a_task_is_done_where_its_type_runs_and_its_result_is_kept(
    call: Call, team: Team, task_type: str
) -> None:
    task_id = call(submit_task, task_type, {"a": [1, "ü"]})
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.result) == (TaskStatus.COMPLETED, {"a": [1, "ü"]})
    assert (task.attempts, task.failure, task.worker_id, task.failed_attempts) == (1, None, None, ())
    assert task.created_us <= (task.started_us or 0) <= (task.finished_us or 0)
    assert call(get_task_result, task_id) == {"a": [1, "ü"]}


@databases
def test_the_row_tells_who_wanted_what_and_all_that_came_of_it(call: Call, team: Team) -> None:
    team.start()
    fault = {"error": "temporary", "attempts": 1}
    task_id = call(
        submit_task, "fail", fault, priority=2, idempotency_key="k", timeout=30.0, parent_id="run 1"
    )
    task = team.ended(task_id)
    assert (task.type, task.payload, task.actor) == ("fail", fault, "tester")
    assert (task.priority, task.idempotency_key, task.timeout, task.parent_id) == (2, "k", 30.0, "run 1")
    assert (task.status, task.attempts, task.result, task.failure) == ("completed", 2, 2, None)
    assert (task.worker_id, task.waits_for, task.is_cancelling) == (None, None, False)
    assert task.started_us is not None
    assert task.finished_us is not None
    assert task.created_us <= task.run_at_us <= task.started_us <= task.finished_us
    [first] = task.failed_attempts
    assert first.failure is not None
    assert (first.number, first.failure.error, first.failure.message) == (1, "TemporaryError", "Not now.")
    assert "jobs.py" in first.failure.traceback


@databases
def test_a_worker_that_lives_keeps_the_lease_of_what_it_does(
    call: Call, team: Team, gate: GateKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lease() -> int:
        with call.rook.engine.begin() as connection:
            return int(sql.run(connection, "SELECT lease_until_us FROM task").scalar())

    monkeypatch.setattr(upkeep, "BEAT", 0.05)
    call(submit_task, "gate.thread", gate.payload)
    team.start()
    gate.begun()
    for _ in range(2):
        before = lease()
        wait_for(lambda before=before: lease() > before)  # type: ignore[misc]


@databases
def test_a_worker_that_sleeps_wakes_for_what_is_submitted(call: Call, team: Team, gate: GateKeeper) -> None:
    team.start(concurrency=1)
    for number in range(20):
        assert team.ended(call(submit_task, "echo", number)).result == number


@databases
def test_a_worker_does_as_many_at_once_as_it_has_hands(call: Call, team: Team, gate: GateKeeper) -> None:
    for _ in range(5):
        call(submit_task, "gate.thread", gate.payload)
    team.start(concurrency=3)
    gate.begun(3)
    counts = call.rook.tasks.health().counts
    assert (counts[TaskStatus.RUNNING], counts[TaskStatus.PENDING]) == (3, 2)
    gate.open()
    assert len(gate.begun(5)) == 5


@databases
def test_a_worker_that_was_not_told_how_many_does_as_many_as_is_set_also_when_that_changes(
    call: Call, team: Team, gate: GateKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "FOLLOW_SECONDS", 0.05)
    call.rook.settings.update_value("queue.concurrency", 1)
    for _ in range(4):
        call(submit_task, "gate.thread", gate.payload)
    team.start(concurrency=None)
    gate.begun(1)
    assert call.rook.tasks.health().counts[TaskStatus.RUNNING] == 1
    call.rook.settings.update_value("queue.concurrency", 3)
    gate.begun(3)
    assert call.rook.tasks.health().counts[TaskStatus.PENDING] == 1
    gate.open()
    assert len(gate.begun(4)) == 4


@databases
def test_a_worker_that_is_to_do_fewer_lets_end_what_runs_and_begins_no_more_than_that(
    call: Call, team: Team, gate: GateKeeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "FOLLOW_SECONDS", 0.05)
    call.rook.settings.update_value("queue.concurrency", 2)
    first = [call(submit_task, "gate.thread", gate.payload) for _ in range(2)]
    worker = team.start(concurrency=None)
    gate.begun(2)
    call.rook.settings.update_value("queue.concurrency", 1)
    wait_for(lambda: worker.concurrency == 1)
    second = GateKeeper(tmp_path, "second")
    for _ in range(3):
        call(submit_task, "gate.thread", second.payload)
    gate.open()
    assert {team.ended(id_).status for id_ in first} == {TaskStatus.COMPLETED}
    second.begun(1)
    assert call.rook.tasks.health().counts[TaskStatus.RUNNING] == 1
    second.open()
    assert len(second.begun(3)) == 3


@databases
def test_a_worker_takes_the_types_that_it_was_told_to_and_no_others(call: Call, team: Team) -> None:
    left = call(submit_task, "echo.loop", 1)
    taken = call(submit_task, "echo", 2)
    team.start(only=["echo"])
    team.ended(taken)
    assert team.look(left).status is TaskStatus.PENDING
    team.start(only=["echo.loop"])
    team.ended(left)


@pytest.mark.parametrize("runs", ["thread", "loop", "process"])
@databases
def test_a_task_is_done_in_the_name_of_who_submitted_it(call: Call, team: Team, runs: str) -> None:
    task_id = call.rook.acting_as("alice").tasks.submit_task(f"act.{runs}", "192.0.2.7")
    team.start()
    assert team.ended(task_id).status is TaskStatus.COMPLETED
    team.stop()
    entries = [(e.event_type, e.actor) for e in call.rook.audit.list(fresh=True) if e.object == "192.0.2.7"]
    assert entries == [("scope.added", "alice")]


@databases
def test_a_task_may_submit_others(call: Call, team: Team) -> None:
    task_id = call(submit_task, "submit", {"n": 1})
    team.start()
    child = team.ended(team.ended(task_id).result)
    assert (child.parent_id, child.result) == (task_id, {"n": 1})
    assert [task.id for task in call.rook.tasks.list(parent_id=task_id)] == [child.id]


@databases
def test_what_is_reported_is_seen_while_it_runs(call: Call, team: Team, gate: GateKeeper) -> None:
    for task_id in [call(submit_task, f"report.{runs}", gate.payload) for runs in ("thread", "process")]:
        team.start()
        task = team.once(task_id, lambda task: task.total is not None)
        assert (task.status, task.done, task.total) == (TaskStatus.RUNNING, 3, 7)
        assert task.message == "three\ufffd of ?seven, https://robot:***@example.net/"
    gate.open()
    task = team.ended(task_id)
    assert (task.done, task.total, task.message) == (7, 7, "all")


@databases
def test_what_is_reported_fits_whatever_it_was(call: Call, team: Team) -> None:
    task_id = call(submit_task, "report.wildly")
    team.start()
    task = team.ended(task_id)
    assert (task.done, task.total, len(task.message)) == (2**63 - 1, -(2**63) + 1, 500)


@databases
def test_a_task_has_a_folder_for_its_files(call: Call, team: Team) -> None:
    task_id = call(submit_task, "file")
    team.start()
    folder = Path(team.ended(task_id).result)
    assert folder == call.rook.data_dir / "artifacts" / task_id
    assert (folder / "report.txt").read_text() == "found nothing"
    assert folder.stat().st_mode & 0o777 == 0o700


@databases
def test_a_result_that_cannot_be_kept_is_a_failure_that_no_retry_mends(call: Call, team: Team) -> None:
    fitting = call(submit_task, "large", 262_142)
    large, strange = call(submit_task, "large", 262_143), call(submit_task, "object")
    team.start()
    assert len(team.ended(fitting).result) == 262_142
    for task, said in ((team.ended(large), "262,145 bytes"), (team.ended(strange), "must be JSON")):
        assert (task.status, task.attempts, task.result) == (TaskStatus.FAILED, 1, None)
        assert task.failure is not None
        assert said in task.failure.message


# --- many short ones that may be run again share a commit


@databases
def test_many_short_tasks_that_may_run_again_are_each_done_once(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    ids = [call(submit_task, "note.shared", gate.payload) for _ in range(300)]
    team.start(concurrency=2)
    assert sorted(gate.begun(300)) == sorted(f"{task_id} 1" for task_id in ids)
    team.ended(ids[-1])
    team.stop()
    assert call.rook.tasks.health().counts[TaskStatus.COMPLETED] == 300


@databases
def test_those_behind_a_slow_one_go_to_other_hands(call: Call, team: Team, gate: GateKeeper) -> None:
    """A hundred quick ones let the worker believe that the next are as quick; one of them is not."""
    quick = GateKeeper(gate.log.parent, "quick")
    quick.open()
    for _ in range(100):
        call(submit_task, "gate.shared", quick.payload)
    team.start(concurrency=1)
    quick.begun(100)
    with call.rook.transaction() as session:  # so that all are claimed together
        slow, *behind = (
            call.rook.tasks.submit_task("gate.shared", keeper.payload, session=session)
            for keeper in (gate, quick, quick, quick)
        )
    gate.begun()
    team.start(concurrency=1)
    for task_id in behind:
        team.ended(task_id)
    assert team.look(slow).status is TaskStatus.RUNNING
