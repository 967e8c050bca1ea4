"""What is submitted goes onto the wire: after its commit, with its id alone, and later when Redis is away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from rookery.base.clock import now
from rookery.mechanisms.tasks import service
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import Team, patiently
from tests.mechanisms.tasks.rq.conftest import IN_BOTH_WORLDS, OwnRedis

pytestmark = IN_BOTH_WORLDS


def dispatched_us(call: Call, task_id: str) -> int | None:
    with call.rook.reading() as session:
        asked = text("SELECT dispatched_us FROM task WHERE id = :id")
        found: int | None = session.execute(asked, {"id": task_id}).scalar_one()
    return found


def test_a_submitted_task_is_a_job_of_rq_with_a_name_that_people_understand(
    call: Call, redis: OwnRedis
) -> None:
    task_id = call(service.submit_task, "echo", {"number": 7})
    [job] = redis.jobs()
    assert job.description == f"echo {task_id}"
    assert job.id == f"{task_id}-1"
    assert job.origin == "rookery-normal"
    assert dispatched_us(call, task_id) is not None


def test_nothing_but_its_id_and_type_leaves_the_database(call: Call, redis: OwnRedis, team: Team) -> None:
    team.start()
    done = call(service.submit_task, "echo", {"password": "hunter2"})
    failed = call(service.submit_task, "fail", {"error": "secret"})
    team.ended(done)
    team.ended(failed)
    team.stop()
    assert b"hunter2" not in redis.everything()
    assert b"robot" not in redis.everything()


def test_nothing_is_pickled(call: Call, redis: OwnRedis) -> None:
    task_id = call(service.submit_task, "echo", {})
    [job] = redis.jobs()
    assert job.serializer.loads(job.data)[2] == [task_id]


@pytest.mark.parametrize(
    ("priority", "queue"),
    [(0, "rookery-high"), (3, "rookery-high"), (4, "rookery-normal"), (6, "rookery-normal"),
     (7, "rookery-low"), (9, "rookery-low")],
)  # fmt: skip
def test_the_priority_is_the_queue(call: Call, redis: OwnRedis, priority: int, queue: str) -> None:
    call(service.submit_task, "echo", {}, priority=priority)
    assert [job.origin for job in redis.jobs()] == [queue]


def test_what_is_rolled_back_was_never_there(call: Call, redis: OwnRedis) -> None:
    with pytest.raises(ZeroDivisionError):
        _submit_in_vain(call)
    assert redis.jobs() == []


def _submit_in_vain(call: Call) -> None:
    with call.rook.transaction() as session:
        call.rook.tasks.submit_task("echo", {}, session=session)
        raise ZeroDivisionError


def test_a_task_for_later_is_on_the_wire_when_its_time_has_come(
    call: Call, redis: OwnRedis, team: Team
) -> None:
    task_id = call(service.submit_task, "echo", {}, run_at=now() + timedelta(seconds=1))
    assert redis.jobs() == []
    team.start()
    assert team.ended(task_id).status is TaskStatus.COMPLETED


def test_the_same_key_is_one_job(call: Call, redis: OwnRedis) -> None:
    first, second = (call(service.submit_task, "echo", {}, idempotency_key="k") for _ in range(2))
    assert first == second
    assert len(redis.jobs()) == 1


def test_while_redis_is_away_tasks_are_taken_and_stay_pending(call: Call, redis: OwnRedis) -> None:
    redis.stop()
    ids = [call(service.submit_task, "echo", {}) for _ in range(3)]
    assert {call(service.get_task_status, id_) for id_ in ids} == {TaskStatus.PENDING}
    assert {dispatched_us(call, id_) for id_ in ids} == {None}


def test_health_says_that_redis_is_away(call: Call, redis: OwnRedis) -> None:
    assert not any("Redis" in problem for problem in call(service.health).problems)
    redis.stop()
    assert "Redis does not answer" in call(service.health).problems[0]


def test_what_was_submitted_while_redis_was_away_is_done_when_it_is_back(
    call: Call, redis: OwnRedis, team: Team
) -> None:
    redis.stop()
    before = call(service.submit_task, "echo", {"when": "before the worker"})
    team.start()
    after = call(service.submit_task, "echo", {"when": "after it"})
    redis.start()
    assert team.ended(before).result == {"when": "before the worker"}
    assert team.ended(after).result == {"when": "after it"}


def test_a_cancelled_task_is_not_done_though_it_is_on_the_wire(
    call: Call, redis: OwnRedis, team: Team
) -> None:
    task_id = call(service.submit_task, "echo", {})
    assert call(service.cancel_task, task_id)
    team.start()
    for _ in patiently():
        if not redis.jobs():
            break
    assert team.look(task_id).status is TaskStatus.CANCELLED


def test_a_failed_task_is_done_again_when_somebody_wants_that(
    call: Call, redis: OwnRedis, team: Team
) -> None:
    team.start()
    task_id = call(service.submit_task, "fail", {"error": "fatal", "attempts": 1})
    assert team.ended(task_id).status is TaskStatus.FAILED
    call(service.retry_task, task_id)
    assert team.once(task_id, lambda task: task.status is TaskStatus.COMPLETED).result == 2
