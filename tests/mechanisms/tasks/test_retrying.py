"""What fails is tried again as its error and its type say, then listed until somebody has it done again."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rookery.base.errors import (
    Conflict,
    FatalError,
    Invalid,
    NotAllowed,
    NotFound,
    TemporaryError,
    Unavailable,
)
from rookery.mechanisms.store import DatabaseUnavailable
from rookery.mechanisms.tasks.errors import TaskConflict
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.rules import LONGEST_DELAY, RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.service import retry_task, submit_task
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import Team

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)


def outcomes(task: TaskInfo) -> list[str]:
    return [attempt.outcome for attempt in task.failed_attempts]


# --- how often


@pytest.mark.parametrize(
    ("error", "attempts"), [("fatal", 1), ("temporary", 4), ("other", 2), ("exit", 2), ("two", 1)]
)
@databases
def test_an_error_says_how_often_its_task_is_tried(call: Call, team: Team, error: str, attempts: int) -> None:
    task_id = call(submit_task, "fail", {"error": error})
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.FAILED, attempts)
    assert outcomes(task) == ["retrying"] * (attempts - 1) + ["failed"]


@databases
def test_what_succeeds_in_the_end_keeps_the_failures_before(call: Call, team: Team) -> None:
    task_id = call(submit_task, "fail", {"error": "temporary", "attempts": 2})
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.result, task.failure) == (TaskStatus.COMPLETED, 3, None)
    assert [(attempt.number, attempt.outcome) for attempt in task.failed_attempts] == [
        (1, "retrying"), (2, "retrying"),
    ]  # fmt: skip
    assert {attempt.failure.message for attempt in task.failed_attempts if attempt.failure} == {"Not now."}


@databases
def test_a_task_may_have_a_policy_of_its_own(call: Call, team: Team) -> None:
    own = RetryPolicy(temporary=1, first_delay=0.0)
    task_id = call(submit_task, "fail", {"error": "temporary"}, retry=own)
    team.start()
    assert team.ended(task_id).attempts == 2


@databases
def test_a_process_fails_as_a_thread_does(call: Call, team: Team) -> None:
    task_id = call(submit_task, "fail.process", {"error": "temporary", "attempts": 1})
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.result, outcomes(task)) == (TaskStatus.COMPLETED, 2, ["retrying"])


@databases
def test_a_process_that_dies_is_a_failure_of_its_task_and_not_of_its_worker(call: Call, team: Team) -> None:
    task_id = call(submit_task, "die")
    team.start()
    task = team.ended(task_id)
    assert task.failure is not None
    assert (task.status, task.failure.error) == (TaskStatus.FAILED, "ChildDied")
    assert task.failure.message.endswith("Its exit status was 9.")


@databases
def test_a_task_waits_no_less_than_the_error_asks_for(call: Call, team: Team) -> None:
    task_id = call(submit_task, "fail", {"error": "too early", "attempts": 1, "retry_after": 0.5})
    team.start()
    task = team.ended(task_id)
    assert task.started_us is not None
    assert task.started_us >= task.failed_attempts[0].ended_us + 500_000


# --- done again by hand


def test_a_task_that_has_failed_for_good_is_done_again_when_somebody_wants_it(call: Call, team: Team) -> None:
    task_id = call(submit_task, "fail", {"error": "fatal", "attempts": 1})
    team.start()
    team.ended(task_id)
    call(retry_task, task_id)
    task = team.once(task_id, lambda task: task.status is TaskStatus.COMPLETED)
    assert (task.result, task.failure, outcomes(task)) == (2, None, ["failed"])


@databases
def test_a_task_done_again_has_all_its_retries_again(call: Call, team: Team) -> None:
    task_id = call(submit_task, "fail", {"error": "temporary"})
    team.start()
    team.ended(task_id)
    call(retry_task, task_id)
    task = team.once(task_id, lambda task: task.attempts == 8 and task.status is TaskStatus.FAILED)
    assert outcomes(task) == (["retrying"] * 3 + ["failed"]) * 2


def test_a_task_that_has_not_failed_is_not_done_again(call: Call, team: Team) -> None:
    task_id = call(submit_task, "echo", 1)
    with pytest.raises(TaskConflict, match="is pending: only one that failed or was cancelled"):
        call(retry_task, task_id)
    team.start()
    team.ended(task_id)
    with pytest.raises(TaskConflict, match="is completed"):
        call(retry_task, task_id)


# --- what is kept of an error


@databases
def test_an_error_is_kept_without_its_secrets_and_bounded(call: Call, team: Team) -> None:
    ids = [call(submit_task, "fail", {"error": error}) for error in ("secret", "garbage", "wordless")]
    team.start()
    secret, garbage, wordless = (team.ended(task_id).failure for task_id in ids)
    assert secret is not None
    assert secret.message == "cannot reach https://robot:***@example.net/"
    assert "hunter2" not in secret.traceback
    assert "jobs.py" in secret.traceback
    assert garbage is not None
    assert garbage.message.startswith("?\ufffd and what a device sent: xxx")
    assert (len(garbage.message), len(garbage.traceback)) == (2_000, 16_384)
    assert wordless is not None
    assert (wordless.error, wordless.message) == ("Wordless", "Wordless")


# --- the rules


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (FatalError(), 0), (Invalid(), 0), (NotAllowed(), 0),
        (TemporaryError(), 5), (Unavailable(), 5), (DatabaseUnavailable(), 5), (ConnectionResetError(), 5),
        (TimeoutError(), 5),
        (ValueError(), 2), (NotFound(), 2), (Conflict(), 2), (FileNotFoundError(), 2), (SystemExit(), 2),
        (ExceptionGroup("", [TemporaryError(), TimeoutError()]), 5),
        (ExceptionGroup("", [TemporaryError(), ExceptionGroup("", [ValueError()])]), 2),
    ],
    ids=repr,
)  # fmt: skip
def test_the_policy_by_error(error: BaseException, retries: int) -> None:
    assert RetryPolicy(temporary=5, other=2).retries_after(error) == retries


@pytest.mark.parametrize(("failures", "longest"), [(1, 2.0), (2, 4.0), (3, 8.0), (6, 60.0), (1_000, 60.0)])
def test_a_delay_is_anywhere_up_to_twice_the_one_before(failures: int, longest: float) -> None:
    random.seed(1)
    policy = RetryPolicy(first_delay=2.0, longest_delay=60.0)
    delays = sorted(policy.delay(TemporaryError(), failures) for _ in range(1_000))
    assert delays[0] < longest / 20
    assert longest * 0.45 < delays[500] < longest * 0.55
    assert longest * 0.95 < delays[-1] <= longest


@pytest.mark.parametrize(
    ("wanted", "given"),
    [(90, 90.0), (0.25, 0.25), (float("inf"), LONGEST_DELAY), (10**400, LONGEST_DELAY)]
    + [(wrong, 0.0) for wrong in (-1, float("nan"), "90", None)],
)
def test_what_an_error_asks_for_is_respected_within_reason(wanted: Any, given: float) -> None:
    error = TemporaryError()
    error.retry_after = wanted  # type: ignore[attr-defined]
    policy = RetryPolicy(first_delay=0.0)
    assert policy.delay(error, 1) == given
    assert policy.delay(ExceptionGroup("", [ValueError(), error]), 1) == given
