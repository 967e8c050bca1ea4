"""What is told of the queue is true: counts, health, lists, the audit log; and what is forgotten is gone."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest

from rookery.base.clock import now
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks import looking
from rookery.mechanisms.tasks.looking import list_
from rookery.mechanisms.tasks.pruning import prune
from rookery.mechanisms.tasks.rules import RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.service import cancel_task, health, prune_tasks, retry_task, submit_task
from rookery.mechanisms.tasks.submitting import Submission, submit
from rookery.mechanisms.tasks.tally import SUMMED_UP_FROM, Tally, counts, sum_up
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, together
from tests.patience import wait_for

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)

SLOW = RetryPolicy(first_delay=86_400.0, longest_delay=86_400.0)


def counted(call: Call) -> Counter[str]:
    """By looking at every row."""
    with call.rook.engine.begin() as connection:
        rows = sql.run(connection, "SELECT status, COUNT(*) FROM task GROUP BY status").all()
    return Counter(dict(rows))


def told(call: Call) -> Counter[str]:
    return +Counter({str(status): count for status, count in call(health).counts.items()})


# --- counts


def test_the_counts_are_those_of_the_rows_whatever_has_happened(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    ends = [call(submit_task, "echo", 1), call(submit_task, "fail", {"error": "fatal"})]
    retrying = call(submit_task, "fail", {"error": "temporary"}, retry=SLOW)
    call(submit_task, "gate.thread", gate.payload)
    call(submit_task, "echo", 1, run_at=now() + timedelta(days=1))
    call(submit_task, "echo", 1, idempotency_key="k", run_at=now() + timedelta(days=1))
    call(submit_task, "echo", 1, idempotency_key="k")
    call(cancel_task, call(submit_task, "note", gate.payload))
    team.start()
    for task_id in ends:
        team.ended(task_id)
    team.once(retrying, lambda task: task.status is TaskStatus.RETRYING)
    gate.begun()
    assert told(call) == counted(call) == {
        "completed": 1, "failed": 1, "retrying": 1, "running": 1, "scheduled": 2, "cancelled": 1,
    }  # fmt: skip
    call(retry_task, ends[1])
    team.once(ends[1], lambda task: task.attempts == 2 and task.status is TaskStatus.FAILED)
    call(prune_tasks, now() + timedelta(days=1))
    assert told(call) == counted(call) == {"retrying": 1, "running": 1, "scheduled": 2}


@databases
def test_a_transaction_that_is_rolled_back_counts_nothing(call: Call) -> None:
    with suppress(LookupError), call.rook.transaction() as session:
        call.rook.tasks.submit_task("echo", 1, session=session)
        raise LookupError
    assert told(call) == counted(call) == {}


@databases
def test_the_tally_is_summed_up_by_many_at_once_and_stays_right(call: Call) -> None:
    def work(number: int) -> None:
        for _ in range(40):
            with call.rook.engine.begin() as connection:
                tally = Tally()
                tally.add("echo", "failed", 2)
                tally.move("echo", "failed", "pending")
                tally.move("echo", "running", "completed")
                tally.write(connection)
            with call.rook.engine.begin() as connection:
                sum_up(connection, at_least=0 if number else SUMMED_UP_FROM)

    together(work, 4)
    with call.rook.engine.begin() as connection:
        sum_up(connection, at_least=0)
        found = counts(connection)["echo"]
        rows = sql.run(connection, "SELECT COUNT(*) FROM task_tally").scalar()
    assert (found["failed"], found["completed"], rows) == (160, 160, 2)


# --- health


def test_health_names_what_is_wrong_and_what_to_do(call: Call, team: Team) -> None:
    assert call(health).problems == ()
    call(submit_task, "echo", 1)
    assert call(health).problems == ("Tasks wait, and no worker is there: start one with `rookery worker`.",)
    team.start(only=["echo.loop"])
    team.ended(call(submit_task, "echo.loop", 1))
    (problem,) = call(health).problems
    assert problem == "Tasks wait that no worker takes: echo. Start a worker with these --types."
    team.start(only=["echo", "fail"])
    team.ended(call(submit_task, "fail", {"error": "fatal"}))
    assert call(health).problems == ("1 task has failed for good: `rookery tasks list --status failed`.",)
    assert {worker.types for worker in call(health).workers} == {("echo.loop",), ("echo", "fail")}


@databases
def test_health_says_how_long_the_next_task_has_waited(
    call: Call, team: Team, gate: GateKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(submit_task, "gate.thread", gate.payload)
    team.start(concurrency=1)
    gate.begun()
    wait_for(lambda: bool(call(health).workers))
    call(submit_task, "echo", 1)
    monkeypatch.setattr(looking, "LONG_AGE", 0.0)
    found = call(health)
    assert found.oldest_s > 0
    assert "more workers, or a higher --concurrency, would help" in found.problems[0]


# --- lists


def test_tasks_are_listed_newest_first_and_page_by_page(call: Call) -> None:
    ids = [call(submit_task, "echo", number) for number in range(5)]
    other = call(submit_task, "note", {"log": "a", "until": "b"}, parent_id="p")
    call(cancel_task, ids[0])
    assert [task.id for task in call(list_, limit=3)] == [other, ids[4], ids[3]]
    assert [task.id for task in call(list_, limit=3, before=ids[3])] == [ids[2], ids[1], ids[0]]
    assert [task.id for task in call(list_, type="note")] == [other]
    assert [task.id for task in call(list_, parent_id="p")] == [other]
    assert [task.id for task in call(list_, status=["cancelled"])] == [ids[0]]
    assert len(call(list_, status=["cancelled", "pending"])) == 6


# --- forgetting


def test_what_ended_before_a_time_is_deleted_with_its_attempts(call: Call, team: Team) -> None:
    old = call(submit_task, "fail", {"error": "other"})
    team.start()
    team.ended(old)
    between = now()
    kept = call(submit_task, "fail", {"error": "other"})
    waiting = call(submit_task, "echo", 1, run_at=now() + timedelta(days=1))
    team.ended(kept)
    assert call(prune_tasks, between) == 1
    assert call(prune_tasks, between) == 0
    assert {task.id for task in call(list_)} == {kept, waiting}
    with call.rook.engine.begin() as connection:
        assert sql.run(connection, "SELECT COUNT(*) FROM task_attempt").scalar() == 2


@databases
def test_many_are_deleted_in_several_goes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rookery.mechanisms.tasks.service.PRUNED_AT_ONCE", 10)
    wanted = Submission(type="echo", payload="1", actor="tester", priority=5)
    with call.rook.engine.begin() as connection:
        for _ in range(25):
            submit(connection, wanted)
        sql.run(connection, "UPDATE task SET status = 'cancelled', finished_us = 1")
    assert call(prune_tasks, now()) == 25
    assert counted(call) == {}


@databases
def test_workers_forget_what_ended_longer_ago_than_is_configured(call: Call, team: Team) -> None:
    old, new = call(submit_task, "echo", 1), call(submit_task, "echo", 2)
    for task_id in (old, new):
        call(cancel_task, task_id)
    with call.rook.engine.begin() as connection:
        month_ago = (now() - timedelta(days=30, minutes=1)).timestamp() * 1e6
        sql.run(
            connection,
            "UPDATE task SET finished_us = :then WHERE id = :id",
            {"then": int(month_ago), "id": old},
        )
    prune(call.rook)
    assert [task.id for task in call(list_)] == [new]


# --- the audit log


def test_what_people_do_with_tasks_is_in_the_audit_log(call: Call) -> None:
    task_id = call(submit_task, "echo", {"password": "hunter2"}, priority=3)
    call(submit_task, "echo", 1, idempotency_key="k")
    call(submit_task, "echo", 1, idempotency_key="k")
    call(cancel_task, task_id)
    call(cancel_task, task_id)
    call(retry_task, task_id)
    call(cancel_task, task_id)
    call(prune_tasks, now() + timedelta(days=1))
    house = call.async_rook if call.is_async else call.rook
    house.audit.service.flush()
    entries = [e for e in call.rook.audit.list(fresh=True) if e.event_type.startswith("task")]
    assert [(e.event_type, e.object == task_id) for e in reversed(entries)] == [
        ("task.submitted", True), ("task.submitted", False), ("task.cancelled", True),
        ("task.requeued", True), ("task.cancelled", True), ("tasks.pruned", False),
    ]  # fmt: skip
    assert {entry.actor for entry in entries} == {"tester"}
    assert not any("hunter2" in str(entry) for entry in entries)
