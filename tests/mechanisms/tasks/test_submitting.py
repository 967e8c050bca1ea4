"""What is submitted is there, once, or is refused."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rookery import app
from rookery.base.clock import now
from rookery.base.config import Config
from rookery.base.errors import Invalid
from rookery.mechanisms.tasks.errors import PayloadNotValid, TaskConflict, TaskNotFound, UnknownTaskType
from rookery.mechanisms.tasks.rules import RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.service import (
    cancel_task,
    get_task,
    get_task_result,
    get_task_status,
    retry_task,
    submit_task,
)
from rookery.mechanisms.tasks.submitting import TaskId
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import Team, together
from tests.mechanisms.tasks.jobs import TYPES

MINUTE = timedelta(minutes=1)

in_one_world = pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
"""For what is refused before any database is asked."""


def test_what_was_submitted_is_there_as_it_was(call: Call) -> None:
    task_id = call(submit_task, "echo", {"a": [1, None]}, priority=2, timeout=7.5, parent_id="run 1")
    task = call(get_task, task_id)
    assert (task.id, task.type, task.payload, task.status) == (task_id, "echo", {"a": [1, None]}, "pending")
    assert (task.priority, task.timeout, task.parent_id, task.actor) == (2, 7.5, "run 1", "tester")
    assert (task.attempts, task.result, task.failure, task.failed_attempts) == (0, None, None, ())
    assert call(get_task_status, task_id) is TaskStatus.PENDING
    assert call(get_task_result, task_id) is None


@in_one_world
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"priority": 10}, "from 0 .first. to 9, not 10"),
        ({"priority": -1}, "from 0"),
        ({"priority": 2.5}, "whole number"),
        ({"idempotency_key": ""}, "1 to 200"),
        ({"idempotency_key": "x" * 201}, "1 to 200"),
        ({"idempotency_key": "a\0b"}, "printable"),
        ({"window": timedelta(0)}, "longer than nothing"),
        ({"run_at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001  the mistake itself
        ({"timeout": 0}, "more than 0"),
        ({"timeout": float("nan")}, "more than 0"),
        ({"timeout": float("inf")}, "at most"),
        ({"retry": RetryPolicy(temporary=1_000)}, r"no retry policy: .*temporary"),
        ({"retry": RetryPolicy(first_delay=-1.0)}, r"no retry policy: .*first_delay"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    call: Call, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        call(submit_task, "echo", {}, **wrong)
    assert call.rook.tasks.list() == []


def test_a_type_that_nobody_knows_is_refused_with_the_one_that_was_meant(call: Call) -> None:
    with pytest.raises(UnknownTaskType, match=r"no type of task is called ecko; did you mean echo\?"):
        call(submit_task, "ecko", {})


@in_one_world
@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"log": "a"}, "missing required field `until`"),
        ({"log": 1, "until": "b"}, r"expected str.*\$.log"),
        ({"log": object(), "until": "b"}, "must be JSON"),
        ({"log": "a" * (1 << 20), "until": "b"}, "at most 1,048,576"),
        ("a\ud800", "must be JSON"),
    ],
)
def test_a_payload_that_does_not_fit_its_type_is_refused_when_it_is_submitted(
    call: Call, payload: Any, said: str
) -> None:
    with pytest.raises(PayloadNotValid, match=said):
        call(submit_task, "note", payload)


def test_the_payload_is_in_no_error(call: Call) -> None:
    with pytest.raises(PayloadNotValid) as caught:
        call(submit_task, "note", {"log": ["hunter2"], "until": "b"})
    assert "hunter2" not in str(caught.value)


def test_a_task_for_later_is_scheduled_and_one_for_earlier_does_not_jump_the_queue(call: Call) -> None:
    later = call(submit_task, "echo", 1, run_at=now() + MINUTE)
    first = call(submit_task, "echo", 2)
    earlier = call(submit_task, "echo", 3, run_at=datetime(2000, 1, 1, tzinfo=UTC))
    assert call(get_task_status, later) is TaskStatus.SCHEDULED
    assert call(get_task_status, earlier) is TaskStatus.PENDING
    assert call(get_task, earlier).run_at_us >= call(get_task, first).run_at_us


def test_the_beginning_of_an_id_will_do_when_it_is_one_tasks_alone(call: Call) -> None:
    task_id = call(submit_task, "echo", 1)
    assert call(get_task, task_id[:13]).id == task_id
    call(submit_task, "echo", 2)
    with pytest.raises(TaskNotFound, match="give more of it"):
        call(get_task, task_id[:6])
    assert call(cancel_task, task_id[:-1])
    for nobody in ("01234567", "x", "01a2166d-8e68-74ea-9209-9e8d140f03ff", "%"):
        with pytest.raises(TaskNotFound, match="tasks list"):
            call(get_task, nobody)


# --- in the caller's transaction


def test_a_task_is_there_with_its_callers_transaction_or_not_at_all(call: Call) -> None:
    def both(fails: bool) -> Any:
        async def in_async() -> str:
            async with call.async_rook.transaction() as session:
                task_id = await call.async_rook.tasks.submit_task("echo", 1, session=session)
                _break(fails)
                return task_id

        def in_sync() -> str:
            with call.rook.transaction() as session:
                task_id = call.rook.tasks.submit_task("echo", 1, session=session)
                _break(fails)
                return task_id

        return call(lambda _rook: in_async() if call.is_async else in_sync())

    with pytest.raises(LookupError):
        both(True)
    assert call.rook.tasks.list() == []
    assert set(call.rook.tasks.health().counts.values()) == {0}
    task_id = both(False)
    assert [task.id for task in call.rook.tasks.list()] == [task_id]


def _break(fails: bool) -> None:
    if fails:
        raise LookupError


def test_a_worker_hears_of_a_task_with_the_commit_not_before(call: Call, team: Team) -> None:
    team.start()
    with call.rook.transaction() as session:
        task_id = call.rook.tasks.submit_task("echo", 1, session=session)
    assert team.ended(task_id).result == 1


# --- idempotency


def test_a_key_belongs_to_one_task_until_that_has_ended(call: Call, team: Team) -> None:
    first = call(submit_task, "echo", 1, idempotency_key="k")
    again = call(submit_task, "echo", 2, idempotency_key="k")
    assert (first.is_new, again.is_new, again) == (True, False, first)
    team.start()
    team.ended(first)
    after = call(submit_task, "echo", 3, idempotency_key="k")
    assert (after.is_new, after != first) == (True, True)
    assert team.ended(after).result == 3


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_a_key_is_free_after_every_end(call: Call, team: Team, end: str) -> None:
    if end == "failed":
        first = call(submit_task, "fail", {"error": "fatal"}, idempotency_key="k")
        team.start()
    else:
        first = call(submit_task, "fail", {"error": "fatal"}, idempotency_key="k", run_at=now() + MINUTE)
        call(cancel_task, first)
    assert team.ended(first).status == end
    assert call(submit_task, "fail", {"error": "fatal"}, idempotency_key="k").is_new


def test_a_key_is_free_when_its_window_has_passed(call: Call) -> None:
    first = call(submit_task, "echo", 1, idempotency_key="k", window=timedelta(microseconds=1))
    second = call(submit_task, "echo", 2, idempotency_key="k", window=MINUTE)
    third = call(submit_task, "echo", 3, idempotency_key="k")
    assert (second.is_new, third.is_new, third) == (True, False, second)
    assert call(get_task_status, first) is TaskStatus.PENDING  # it is still to be done


def test_types_do_not_share_their_keys(call: Call) -> None:
    call(submit_task, "echo", 1, idempotency_key="k")
    assert call(submit_task, "echo.loop", 1, idempotency_key="k").is_new


def test_a_task_that_is_done_again_has_its_key_again_or_is_refused(call: Call) -> None:
    first = call(submit_task, "echo", 1, idempotency_key="k")
    call(cancel_task, first)
    second = call(submit_task, "echo", 2, idempotency_key="k")
    with pytest.raises(TaskConflict, match="another one with its idempotency key"):
        call(retry_task, first)
    assert call(get_task_status, first) is TaskStatus.CANCELLED
    call(cancel_task, second)
    call(retry_task, first)
    assert call(submit_task, "echo", 3, idempotency_key="k") == first


SUBMITTERS = 32


def test_many_who_submit_the_same_at_once_get_the_same_task(call: Call) -> None:
    rook = call.rook
    answers = together(lambda _: rook.tasks.submit_task("echo", 1, idempotency_key="k"), SUBMITTERS)
    assert len(set(answers)) == 1
    assert sum(answer.is_new for answer in answers) == 1
    assert len(rook.tasks.list()) == 1
    assert rook.tasks.health().counts[TaskStatus.PENDING] == 1


@pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
def test_so_do_many_who_have_nothing_in_common_but_the_database(call: Call) -> None:
    with ExitStack() as houses:
        opened = [houses.enter_context(app.open(config=call.config, types=TYPES)) for _ in range(SUBMITTERS)]
        answers = together(
            lambda number: opened[number].tasks.submit_task("echo", number, idempotency_key="k"), SUBMITTERS
        )
    assert len(set(answers)) == 1
    assert sum(answer.is_new for answer in answers) == 1
    assert len(call.rook.tasks.list()) == 1


@pytest.mark.parametrize("call", ["async-sqlite", "async-postgresql"], indirect=True)
def test_so_do_many_coroutines_of_one_loop(call: Call) -> None:
    async def submit_all(rook: app.AsyncRook) -> list[TaskId]:
        submitting = (
            rook.tasks.submit_task("echo", number, idempotency_key="k") for number in range(SUBMITTERS)
        )
        return await asyncio.gather(*submitting)

    answers = call(submit_all)
    assert len(set(answers)) == 1
    assert sum(answer.is_new for answer in answers) == 1
    assert len(call.rook.tasks.list()) == 1


def _submit_all(config: Config, begin: Callable[[], object], answers: Any) -> None:
    with app.open(config=config, types=TYPES) as rook:
        begin()
        answers.put([str(rook.tasks.submit_task("echo", n, idempotency_key=f"k{n}")) for n in range(300)])


@pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
def test_two_processes_that_submit_the_same_300_make_300_tasks(call: Call) -> None:
    process = multiprocessing.get_context("spawn")
    begin, answers = process.Barrier(2), process.Queue()
    children = [
        process.Process(target=_submit_all, args=(call.config, begin.wait, answers)) for _ in range(2)
    ]
    for child in children:
        child.start()
    first, second = answers.get(), answers.get()
    for child in children:
        child.join()
    assert first == second
    assert len(call.rook.tasks.list(limit=1_000)) == 300
