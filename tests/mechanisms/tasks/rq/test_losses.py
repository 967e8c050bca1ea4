"""Redis may lose everything at any moment, and be away: the rows know what is to be done."""

from __future__ import annotations

import pytest
from rq import SimpleWorker
from sqlalchemy import text

from rookery.mechanisms.tasks import service
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, patiently
from tests.mechanisms.tasks.rq.conftest import IN_BOTH_WORLDS, OwnRedis

pytestmark = IN_BOTH_WORLDS


def age(call: Call, dispatched: str = "1") -> None:
    """Everything was dispatched long ago."""
    with call.rook.transaction() as session:
        session.execute(text(f"UPDATE task SET dispatched_us = {dispatched}"))


def completed(team: Team, ids: list[str]) -> bool:
    return {team.ended(id_).status for id_ in ids} == {TaskStatus.COMPLETED}


def test_flushall_in_the_middle_of_a_run_loses_nothing(
    call: Call, team: Team, redis: OwnRedis, gate: GateKeeper
) -> None:
    running = call(service.submit_task, "gate.thread", gate.payload)
    waiting = [call(service.submit_task, "gate.thread", gate.payload) for _ in range(20)]
    team.start(concurrency=1)
    gate.begun()
    redis.client.flushall()
    gate.open()
    assert completed(team, [running, *waiting])
    assert sorted(line.split()[1] for line in gate.begun(21)) == ["1"] * 21


def test_flushall_again_and_again_loses_nothing(call: Call, team: Team, redis: OwnRedis) -> None:
    team.start()
    ids = []
    for number in range(60):
        ids.append(call(service.submit_task, "echo", number))
        if number % 20 == 10:
            redis.client.flushall()
    assert completed(team, ids)


def test_redis_is_stopped_and_started_while_tasks_run(
    call: Call, team: Team, redis: OwnRedis, gate: GateKeeper
) -> None:
    name = f"rookery-{team.start(concurrency=1).presence.id}"
    running = call(service.submit_task, "gate.thread", gate.payload)
    waiting = [call(service.submit_task, "echo", number) for number in range(5)]
    gate.begun()
    redis.stop()
    meanwhile = call(service.submit_task, "echo", "meanwhile")
    gate.open()
    assert team.ended(running).status is TaskStatus.COMPLETED
    redis.start()
    assert completed(team, [*waiting, meanwhile])
    for _ in patiently():
        if [listed.name for listed in SimpleWorker.all(connection=redis.client)] == [name]:
            break


def test_redis_hangs_and_nobody_hangs_with_it(
    call: Call, team: Team, redis: OwnRedis, gate: GateKeeper
) -> None:
    team.start()
    running = call(service.submit_task, "gate.thread", gate.payload)
    gate.begun()
    with redis.hanging():
        meanwhile = [call(service.submit_task, "echo", number) for number in range(20)]
        gate.open()
        assert team.ended(running).status is TaskStatus.COMPLETED
    assert completed(team, meanwhile)


def test_a_worker_may_be_started_before_redis(call: Call, team: Team, redis: OwnRedis) -> None:
    redis.stop()
    team.start()
    task_id = call(service.submit_task, "echo", {})
    redis.start()
    assert team.ended(task_id).status is TaskStatus.COMPLETED


def test_a_worker_ends_though_redis_is_away(call: Call, team: Team, redis: OwnRedis) -> None:
    team.start()
    redis.stop()
    team.stop()


def test_a_job_that_was_popped_and_forgotten_is_dispatched_again(
    call: Call, team: Team, redis: OwnRedis
) -> None:
    task_id = call(service.submit_task, "echo", {})
    assert redis.client.lpop("rq:queue:rookery-normal") == f"{task_id}-1".encode()
    age(call)
    team.start()
    assert team.ended(task_id).attempts == 1


@pytest.mark.parametrize("dispatched", ["NULL", "1"])
def test_what_was_committed_and_never_put_on_the_wire_is_found(
    call: Call, team: Team, redis: OwnRedis, dispatched: str
) -> None:
    task_id = call(service.submit_task, "echo", {})
    redis.client.flushall()
    age(call, dispatched)
    team.start()
    assert team.ended(task_id).status is TaskStatus.COMPLETED


def test_the_same_job_twice_on_the_wire_is_done_once(
    call: Call, team: Team, redis: OwnRedis, gate: GateKeeper
) -> None:
    task_id = call(service.submit_task, "gate.thread", gate.payload)
    for _ in range(5):
        redis.client.rpush("rq:queue:rookery-normal", f"{task_id}-1")
    team.start()
    team.start()
    gate.begun()
    for _ in patiently():
        if not redis.jobs():
            break
    gate.open()
    assert team.ended(task_id).attempts == 1
    assert len(gate.begun()) == 1
