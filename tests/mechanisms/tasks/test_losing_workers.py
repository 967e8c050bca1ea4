"""A worker that is gone loses its tasks to others, at once on its own machine, and none is recorded twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from rookery.base.clock import now_us
from rookery.base.config import Queue, encode_config
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks import presence
from rookery.mechanisms.tasks.claiming import LEASE_SECONDS, Claimed, claim_one
from rookery.mechanisms.tasks.finishing import finish
from rookery.mechanisms.tasks.losing import reclaim_dead, reclaim_expired
from rookery.mechanisms.tasks.outcomes import Outcome, completed, failed, given_back
from rookery.mechanisms.tasks.presence import Presence, dead_workers
from rookery.mechanisms.tasks.rules import MOST_KILLS, RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.service import cancel_task, submit_task
from rookery.mechanisms.tasks.tally import Tally
from rookery.mechanisms.tasks.worker import upkeep
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, database_worker
from tests.mechanisms.tasks.jobs import TYPES
from tests.patience import PATIENCE

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
NAMES = [kind.name for kind in TYPES]
CHILD = "tests.mechanisms.tasks.child"


@pytest.fixture
def queue_settings() -> Queue:
    """A worker that is to stop gives back what runs at once."""
    return Queue(grace=0.0)


class Mortals:
    """Worker processes that end with the test, whatever happens."""

    def __init__(self, call: Call) -> None:
        self._settings = encode_config(call.config)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", CHILD, self._settings, "2"])
        self._processes.append(process)
        return process

    def end(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@pytest.fixture
def mortals(call: Call) -> Iterator[Mortals]:
    mortals = Mortals(call)
    yield mortals
    mortals.end()


def claimed(call: Call, worker: str, task_id: str) -> Claimed:
    """The task, in the hands of a worker that exists in the database alone."""
    with call.rook.engine.begin() as connection:
        task = claim_one(connection, worker, task_id, types=NAMES)
    assert task is not None
    return task


def lost(call: Call, worker: str, outcome: Outcome) -> bool:
    """Whether the end of an attempt was refused."""
    tally = Tally()
    with call.rook.engine.begin() as connection:
        refused = finish(connection, worker, [outcome], tally)
        tally.write(connection)
    return refused == [outcome]


def expire(call: Call) -> int:
    """Let all leases run out, and take what they were for."""
    with call.rook.engine.begin() as connection:
        return expired(connection)


def expired(connection: Connection) -> int:
    tally = Tally()
    sql.run(connection, "UPDATE task SET lease_until_us = 0 WHERE status = 'running'")
    count = reclaim_expired(connection, tally)
    tally.write(connection)
    return count


def taken_over(call: Call, worker: str, task_id: str) -> None:
    """The task's lease runs out, and this worker has it, before the one that had it can take it again."""
    with call.rook.engine.begin() as connection:
        expired(connection)
        assert claim_one(connection, worker, task_id, types=NAMES) is not None


# --- dead on this machine


@databases
def test_the_task_of_a_killed_worker_is_done_by_another_at_once(
    call: Call, team: Team, gate: GateKeeper, mortals: Mortals
) -> None:
    task_id = call(submit_task, "gate.thread", gate.payload)
    mortal = mortals.start()
    gate.begun()
    team.start()
    mortal.kill()
    mortal.wait()
    killed_us = now_us()
    gate.begun(2)
    assert now_us() - killed_us < LEASE_SECONDS * 1e6 / 2, "it was the lease that ended, not the lock"
    gate.open()
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.COMPLETED, 2)
    assert [(each.number, each.outcome) for each in task.failed_attempts] == [(1, "worker lost")]
    assert len(call.rook.tasks.health().workers) == 1


@databases
def test_the_children_of_a_killed_worker_die_with_it(
    call: Call, team: Team, gate: GateKeeper, mortals: Mortals
) -> None:
    call(submit_task, "gate.child", gate.payload)
    mortal = mortals.start()
    program = Path(f"/proc/{gate.begun()[0]}")
    mortal.kill()
    end = time.monotonic() + PATIENCE
    while program.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


@databases
def test_a_task_that_kills_its_workers_is_given_to_no_more_of_them(
    call: Call, team: Team, gate: GateKeeper, mortals: Mortals
) -> None:
    task_id = call(submit_task, "gate.thread", gate.payload)
    for number in range(MOST_KILLS):
        mortal = mortals.start()
        gate.begun(number + 1)
        mortal.kill()
        mortal.wait()
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.FAILED, 3)
    assert task.failure is not None
    assert (task.failure.error, task.failure.code) == ("WorkerLost", "worker-lost")
    assert task.failure.message.startswith("3 workers died while they ran it.")


@pytest.mark.parametrize("call", ["sync-sqlite"], indirect=True)
def test_those_beside_a_task_that_kills_its_workers_are_done(
    call: Call, team: Team, gate: GateKeeper, mortals: Mortals
) -> None:
    """Short ones that share a commit, all of which a worker has taken when it dies."""
    innocents = [call(submit_task, "note.shared", gate.payload) for _ in range(50)]
    guilty = call(submit_task, "die.worker")
    innocents += [call(submit_task, "note.shared", gate.payload) for _ in range(50)]
    for _ in range(MOST_KILLS):
        assert mortals.start().wait(PATIENCE) == 9
    team.start()
    assert team.ended(guilty).failure.error == "WorkerLost"  # type: ignore[union-attr]
    assert {team.ended(each).status for each in innocents} == {TaskStatus.COMPLETED}


@databases
def test_a_terminated_worker_gives_back_and_is_nobodys_killer(
    call: Call, team: Team, gate: GateKeeper, mortals: Mortals
) -> None:
    task_id = call(submit_task, "gate.thread", gate.payload)
    for number in range(MOST_KILLS + 1):
        mortal = mortals.start()
        gate.begun(number + 1)
        mortal.terminate()
        assert mortal.wait(PATIENCE) == 0
    task = team.look(task_id)
    assert task.status is TaskStatus.PENDING
    assert {attempt.outcome for attempt in task.failed_attempts} == {"given back"}


@databases
def test_what_was_cancelled_when_its_worker_died_is_not_done_again(call: Call) -> None:
    task_id = call(submit_task, "echo", 1)
    claimed(call, "dead", task_id)
    call(cancel_task, task_id)
    assert expire(call) == 1
    task = call.rook.tasks.get_task(task_id)
    assert (task.status, task.worker_id) == (TaskStatus.CANCELLED, None)


# --- the signs of life


def test_a_worker_is_alive_as_long_as_it_holds_its_lock(data_dir: Path) -> None:
    with Presence(data_dir):
        assert dead_workers(data_dir) == []
        with pytest.raises(LookupError), Presence(data_dir) as other:
            raise LookupError
        assert dead_workers(data_dir) == [other.id]
    presence.bury(data_dir, other.id)
    assert list((data_dir / "workers").iterdir()) == []


def test_a_worker_is_woken_by_others_and_by_itself_and_knows_which(data_dir: Path) -> None:
    with Presence(data_dir) as mine:
        assert presence.wake_all(data_dir) == 1
        assert mine.sleep(PATIENCE)
        mine.nudge()
        assert not mine.sleep(PATIENCE)
        mine.nudge()
        presence.wake_all(data_dir)
        assert mine.sleep(PATIENCE)
    mine.nudge()
    assert presence.wake_all(data_dir) == 0


def test_a_pipe_that_is_full_holds_up_nobody(data_dir: Path) -> None:
    with Presence(data_dir) as mine:
        for _ in range(70_000):
            mine.nudge()
        assert presence.wake_all(data_dir) == 1
        mine.sleep(0)
        assert not mine.sleep(0)


def test_what_a_worker_died_with_is_found_at_a_second_look(call: Call) -> None:
    """A commit may take effect after its worker has died, and after somebody has looked."""
    rook = call.rook
    with pytest.raises(LookupError), Presence(rook.data_dir) as dead:
        raise LookupError
    looking = upkeep.Upkeep(rook.engine, rook.data_dir, "me", NAMES, 1)
    looking.turn()
    task_id = rook.tasks.submit_task("echo", 1)
    claimed(call, dead.id, task_id)
    looking.hurry()
    looking.turn()
    assert rook.tasks.get_task_status(task_id) is TaskStatus.PENDING
    assert dead_workers(rook.data_dir) == []


# --- leases


@databases
def test_a_lease_that_has_run_out_is_another_workers_chance(call: Call) -> None:
    task_id = call(submit_task, "echo", 1)
    claimed(call, "far away", task_id)
    assert reclaim_dead(call.rook.engine, call.rook.data_dir) == []
    assert expire(call) == 1
    task = call.rook.tasks.get_task(task_id)
    assert (task.status, task.failed_attempts[0].outcome) == (TaskStatus.PENDING, "worker lost")


@databases
def test_a_worker_that_was_stopped_loses_its_task_and_does_not_record_it_twice(
    call: Call, team: Team, gate: GateKeeper, mortals: Mortals
) -> None:
    """It holds its lock all the while; its lease runs out, and when it wakes up its result is dropped."""
    task_id = call(submit_task, "gate.thread", gate.payload)
    mortal = mortals.start()
    gate.begun()
    mortal.send_signal(signal.SIGSTOP)
    assert expire(call) == 1
    team.start()
    gate.begun(2)
    second = team.running(task_id).worker_id
    mortal.send_signal(signal.SIGCONT)
    gate.open()
    task = team.ended(task_id)
    mortal.terminate()
    assert mortal.wait(PATIENCE) == 0
    assert (task.status, task.attempts) == (TaskStatus.COMPLETED, 2)
    assert second != task.failed_attempts[0].worker_id
    assert call.rook.tasks.health().counts[TaskStatus.COMPLETED] == 1


@databases
def test_the_late_end_of_an_attempt_is_refused_whatever_it_was(call: Call) -> None:
    task_id = call(submit_task, "echo", 1)
    first = claimed(call, "first", task_id)
    expire(call)
    second = claimed(call, "second", task_id)
    before = call.rook.tasks.get_task(task_id)
    policy = RetryPolicy()
    for late in (completed(first, "late"), failed(first, ValueError(), policy), given_back(first)):
        assert lost(call, "first", late)
    assert call.rook.tasks.get_task(task_id) == before
    assert not lost(call, "second", completed(second, "in time"))
    assert lost(call, "second", completed(second, "again"))
    task = call.rook.tasks.get_task(task_id)
    assert (task.status, task.result) == (TaskStatus.COMPLETED, "in time")


@databases
def test_a_worker_ends_what_it_has_lost(call: Call, team: Team, gate: GateKeeper) -> None:
    """Another has it now; when it beats, it hears of that, and stops what is of no use any more."""
    task_id = call(submit_task, "gate.loop", gate.payload)
    worker = database_worker(team.start())
    gate.begun()
    taken_over(call, "another", task_id)
    worker._upkeep.hurry()
    worker.presence.nudge()
    team.stop()  # it does not wait for the gate
    assert team.look(task_id).worker_id == "another"


@databases
def test_whoever_was_held_up_does_not_judge_the_others(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole machine may have slept: leases have run out that their workers are about to renew."""
    task_id = call(submit_task, "echo", 1)
    claimed(call, "asleep, too", task_id)
    mine = upkeep.Upkeep(call.rook.engine, call.rook.data_dir, "me", NAMES, 1)
    mine.turn()
    with call.rook.engine.begin() as connection:
        sql.run(connection, "UPDATE task SET lease_until_us = 0 WHERE status = 'running'")
    slept = 600_000_000
    monkeypatch.setattr(upkeep, "now_us", lambda: now_us() + slept)
    mine.beat()
    assert call.rook.tasks.get_task_status(task_id) is TaskStatus.RUNNING
    mine.beat()
    assert call.rook.tasks.get_task_status(task_id) is TaskStatus.PENDING


@databases
def test_what_a_worker_never_heard_that_it_had_been_given_is_given_back(
    call: Call, team: Team, gate: GateKeeper
) -> None:
    """The commit of a claim may succeed although the answer is lost: the row is its, it knows of nothing."""
    worker = database_worker(team.start(only=["echo"]))
    team.ended(call(submit_task, "echo", 1))
    task_id = call(submit_task, "echo.loop", 2)  # it takes no such task by itself
    claimed(call, worker.presence.id, task_id)
    worker._upkeep.hurry()
    worker.presence.nudge()
    task = team.once(task_id, lambda task: task.status is TaskStatus.PENDING)
    assert [attempt.outcome for attempt in task.failed_attempts] == ["given back"]
    assert team.ended(call(submit_task, "echo", 3)).result == 3


@databases
def test_a_worker_that_is_silent_for_some_leases_is_lost_and_told_to_be(call: Call) -> None:
    mine = upkeep.Upkeep(call.rook.engine, call.rook.data_dir, "me", NAMES, 1)
    for name in ("silent", "slow"):
        upkeep.Upkeep(call.rook.engine, call.rook.data_dir, name, NAMES, 1).beat()
    with call.rook.engine.begin() as connection:
        for name, leases in (("silent", 6), ("slow", 2)):
            seen = now_us() - int(leases * LEASE_SECONDS * 1e6)
            values = {"seen": seen, "name": name}
            sql.run(connection, "UPDATE task_worker SET seen_us = :seen WHERE id = :name", values)
    mine.beat()
    with call.rook.engine.begin() as connection:
        listed = sql.run(connection, "SELECT id FROM task_worker ORDER BY id").scalars().all()
        told = sql.run(connection, "SELECT kind, subject FROM task_notice").all()
    assert listed == ["me", "slow"]
    assert [tuple(each) for each in told] == [("lost", "silent")]
