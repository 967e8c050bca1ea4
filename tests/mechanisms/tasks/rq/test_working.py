"""A worker of RQ does tasks as one of the database does, and keeps RQ's books."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from rq import Callback
from rq.command import send_stop_job_command
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from rookery import app
from rookery.base.errors import ConfigError
from rookery.mechanisms.tasks import service
from rookery.mechanisms.tasks.rq.worker import RqWorker
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, lines_of, patiently
from tests.mechanisms.tasks.rq.conftest import IN_BOTH_WORLDS, OwnRedis

pytestmark = IN_BOTH_WORLDS


def status_in_rq(redis: OwnRedis, job_id: str, wanted: str) -> Job:
    """The job, once RQ says so of it."""
    for _ in patiently():
        if Job.exists(job_id, connection=redis.client):
            job = Job.fetch(job_id, connection=redis.client, serializer=JSONSerializer)
            if job.get_status(refresh=False) == wanted:
                return job
    raise AssertionError(f"{job_id} does not become {wanted}")


@pytest.mark.parametrize("type_", ["echo", "echo.loop", "echo.process"])
def test_tasks_are_done_wherever_they_run(call: Call, team: Team, type_: str) -> None:
    team.start()
    task = team.ended(call(service.submit_task, type_, {"number": 7}))
    assert (task.status, task.result, task.attempts) == (TaskStatus.COMPLETED, {"number": 7}, 1)


def test_it_is_a_worker_of_rq(call: Call, team: Team, redis: OwnRedis) -> None:
    worker = team.start()
    assert isinstance(worker, RqWorker)
    for _ in patiently():
        workers = SimpleWorker.all(connection=redis.client)
        if workers and call.rook.tasks.health().workers:
            break
    [listed] = workers
    assert listed.name == f"rookery-{worker.presence.id}"
    assert listed.queue_names() == ["rookery-high", "rookery-normal", "rookery-low"]
    [known] = call.rook.tasks.health().workers
    assert known.id == worker.presence.id
    team.stop()
    assert SimpleWorker.all(connection=redis.client) == []


def test_rq_is_told_what_was_done(call: Call, team: Team, redis: OwnRedis) -> None:
    team.start()
    task_id = call(service.submit_task, "echo", {})
    job = status_in_rq(redis, f"{task_id}-1", "finished")
    assert job.description == f"echo {task_id}"
    assert job.worker_name
    assert f"{task_id}-1" in redis.queue("rookery-normal").finished_job_registry
    assert redis.client.ttl(job.key) > 0


def test_rq_is_told_what_runs(call: Call, team: Team, redis: OwnRedis, gate: GateKeeper) -> None:
    team.start()
    task_id = call(service.submit_task, "gate.thread", gate.payload)
    status_in_rq(redis, f"{task_id}-1", "started")
    [worker] = SimpleWorker.all(connection=redis.client)
    assert worker.get_state() == "busy"
    assert worker.get_current_job_id() == f"{task_id}-1"
    gate.open()
    status_in_rq(redis, f"{task_id}-1", "finished")
    assert redis.queue("rookery-normal").started_job_registry.count == 0


def test_rq_is_told_what_failed_for_good_and_where_to_read_more(
    call: Call, team: Team, redis: OwnRedis
) -> None:
    team.start()
    task_id = call(service.submit_task, "fail", {"error": "fatal"})
    job = status_in_rq(redis, f"{task_id}-1", "failed")
    result = job.latest_result()
    assert result is not None
    assert result.exc_string == f"FatalError in attempt 1: `rookery tasks show {task_id}` says more."


def test_our_retries_are_no_failures_of_rq(call: Call, team: Team, redis: OwnRedis) -> None:
    team.start()
    task_id = call(service.submit_task, "fail", {"error": "temporary", "attempts": 2})
    assert team.ended(task_id).result == 3
    status_in_rq(redis, f"{task_id}-3", "finished")
    assert not Job.exists(f"{task_id}-1", connection=redis.client)
    assert redis.queue("rookery-normal").failed_job_registry.count == 0


def test_it_is_the_tasks_own_timeout_that_ends_it(call: Call, team: Team, gate: GateKeeper) -> None:
    team.start()
    task_id = call(service.submit_task, "gate.loop", gate.payload, timeout=0.2)
    assert team.once(task_id, lambda task: bool(task.failed_attempts)).failed_attempts[0].failure is not None
    call(service.cancel_task, task_id)


@pytest.mark.parametrize("type_", ["gate.thread", "gate.loop", "gate.process"])
def test_cancelling_reaches_what_runs(call: Call, team: Team, gate: GateKeeper, type_: str) -> None:
    team.start()
    task_id = call(service.submit_task, type_, gate.payload)
    gate.begun()
    assert call(service.cancel_task, task_id)
    assert team.ended(task_id).status is TaskStatus.CANCELLED


def test_to_stop_a_job_in_rq_is_to_cancel_its_task(
    call: Call, team: Team, redis: OwnRedis, gate: GateKeeper
) -> None:
    team.start()
    task_id = call(service.submit_task, "gate.thread", gate.payload)
    status_in_rq(redis, f"{task_id}-1", "started")
    send_stop_job_command(redis.client, f"{task_id}-1", serializer=JSONSerializer)
    assert team.ended(task_id).status is TaskStatus.CANCELLED


def test_it_pops_no_more_than_it_has_hands_for(
    call: Call, team: Team, redis: OwnRedis, gate: GateKeeper
) -> None:
    ids = [call(service.submit_task, "gate.thread", gate.payload) for _ in range(5)]
    team.start(concurrency=2)
    gate.begun(2)
    assert len(redis.jobs()) == 3
    gate.open()
    assert {team.ended(id_).status for id_ in ids} == {TaskStatus.COMPLETED}


def test_the_urgent_comes_first(call: Call, team: Team, tmp_path: Path) -> None:
    log = tmp_path / "order"
    payload = {"log": str(log), "until": "none"}
    order = {
        priority: call(service.submit_task, "note", payload, priority=priority) for priority in (9, 5, 0)
    }
    team.start(concurrency=1)
    lines = [line.split()[0] for line in lines_of(log, 3)]
    assert lines == [order[0], order[5], order[9]]


def test_nothing_waits_for_ever_behind_what_is_urgent(call: Call, team: Team, tmp_path: Path) -> None:
    log = tmp_path / "order"
    payload = {"log": str(log), "until": "none"}
    last = call(service.submit_task, "note", payload, priority=9)
    for _ in range(12):
        call(service.submit_task, "note", payload, priority=0)
    team.start(concurrency=1)
    lines = [line.split()[0] for line in lines_of(log, 13)]
    assert lines.index(last) < 10


def test_a_limit_is_kept_and_whoever_waited_for_it_comes_next(call: Call, team: Team, tmp_path: Path) -> None:
    gates = [GateKeeper(tmp_path, f"gate{number}") for number in range(3)]
    team.start()
    ids = [call(service.submit_task, "limited", gate.payload) for gate in gates]
    team.once(ids[2], lambda task: task.waits_for is not None)
    for gate in gates:
        gate.open()
    assert {team.ended(id_).status for id_ in ids} == {TaskStatus.COMPLETED}


def test_a_worker_that_stops_gives_back_what_does_not_end(call: Call, team: Team, gate: GateKeeper) -> None:
    first = team.start()
    task_id = call(service.submit_task, "gate.loop", gate.payload)
    gate.begun()
    first.stop()
    first.stop()
    assert team.once(task_id, lambda task: task.status is TaskStatus.PENDING).attempts == 1
    team.start()
    gate.open()
    assert team.ended(task_id).attempts == 2


def test_a_worker_that_drains_ends_when_nothing_is_left(call: Call, team: Team) -> None:
    ids = [call(service.submit_task, "fail", {"error": "temporary", "attempts": 0}) for _ in range(20)]
    worker = app.worker_of(call.rook, drains=True)
    worker.run()
    assert {team.look(id_).status for id_ in ids} == {TaskStatus.COMPLETED}


def test_whoever_writes_to_redis_gets_no_code_executed(
    call: Call, team: Team, redis: OwnRedis, tmp_path: Path
) -> None:
    trap = tmp_path / "trapped"
    queue = redis.queue("rookery-high")
    queue.enqueue("pathlib.Path.touch", str(trap), on_success=Callback("os.getcwd"), job_id="by-name-1")
    queue.enqueue("os.getcwd", job_id="by-pickle-1")
    redis.client.hset("rq:job:by-pickle-1", "data", pickle.dumps(_Trap(trap)))
    redis.client.rpush("rq:queue:rookery-high", "garbage")
    redis.client.hset("rq:job:garbage", "created_at", "yesterday")
    team.start()
    assert team.ended(call(service.submit_task, "echo", {})).status is TaskStatus.COMPLETED
    assert redis.jobs() == []
    assert not trap.exists()


class _Trap:
    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._file,))


def test_a_worker_of_rq_takes_every_type(call: Call) -> None:
    with pytest.raises(ConfigError, match="every type"):
        app.worker_of(call.rook, only=["echo"])
