"""The database goes away under workers, and comes back: they wait for it, and lose nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from rookery.base.config import Config, Database, Queue
from rookery.mechanisms.store import DatabaseUnavailable
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.worker import core
from tests import servers
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, database_worker
from tests.mechanisms.tasks.jobs import TYPES

pytestmark = pytest.mark.postgres


@pytest.fixture
def server() -> Iterator[servers.Postgres]:
    """A server of the test's own."""
    with servers.own_postgres() as server:
        yield server


@pytest.fixture
def call(server: servers.Postgres, data_dir: Path) -> Iterator[Call]:
    config = Config(data_dir=data_dir, database=Database(url=server.url), queue=Queue(grace=0.0))
    with ExitStack() as closing:
        yield Call(config, closing, None, TYPES)


def test_what_ended_while_the_database_was_away_is_recorded_when_it_is_back(
    call: Call, team: Team, gate: GateKeeper, server: servers.Postgres
) -> None:
    tasks = call.rook.tasks
    running = tasks.submit_task("gate.thread", gate.payload)
    worker = database_worker(team.start(concurrency=2))
    gate.begun()
    server.stop()
    gate.open()
    with pytest.raises(DatabaseUnavailable):
        tasks.submit_task("echo", 1)
    while not worker._pause:
        threading.Event().wait(0.01)
    server.start()
    task = team.ended(running)
    assert (task.status, task.attempts) == (TaskStatus.COMPLETED, 1)
    assert team.ended(tasks.submit_task("echo", 2)).result == 2  # and it is heard of again


def test_a_process_that_finds_no_database_is_an_attempt_that_may_do_better_later(
    call: Call, team: Team, gate: GateKeeper, server: servers.Postgres
) -> None:
    """The worker had one when it took the task; it has gone before the child has opened it."""
    late = (sys.executable, "-c", "from tests.mechanisms.tasks.jobs import do_late; do_late()")
    task_id = call.rook.tasks.submit_task(
        "gate.process", {"log": gate.log.with_name("own"), "until": gate.until}
    )
    worker = database_worker(team.start(child=(*late, str(gate.log), str(gate.until))))
    gate.begun()
    server.stop()
    gate.open()
    while not (worker._pause and worker._work.outcomes):
        threading.Event().wait(0.01)
    server.start()
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.COMPLETED, 2)
    failure = task.failed_attempts[0].failure
    assert failure is not None
    assert failure.error == "ChildNotReady"
    assert "Connection refused" in failure.message


def test_a_worker_that_is_to_stop_does_not_wait_for_the_database_for_ever(
    call: Call, team: Team, gate: GateKeeper, server: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it could not record is done again by the next one, which sees at once that it has gone."""
    monkeypatch.setattr(core, "LAST_TRY_SECONDS", 0.0)
    task_id = call.rook.tasks.submit_task("gate.thread", gate.payload)
    worker = database_worker(team.start())
    gate.begun()
    server.stop()
    gate.open()
    while not (worker._pause and worker._work.outcomes):
        threading.Event().wait(0.01)
    with pytest.raises(core.NotRecorded):
        team.stop()
    server.start()
    team.start()
    task = team.ended(task_id)
    assert (task.status, task.attempts) == (TaskStatus.COMPLETED, 2)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_whose_answer_is_lost_loses_and_doubles_nothing(call: Call, team: Team, moment: str) -> None:
    """The connection breaks with a commit, before or after it took effect: nobody hears which."""
    ids = [call.rook.tasks.submit_task("echo", number) for number in range(20)]
    worker = database_worker(team.start(concurrency=3))
    Breaker(worker._engine, moment)
    assert [team.ended(task_id).result for task_id in ids] == list(range(20))
    counts = call.rook.tasks.health().counts
    assert (counts[TaskStatus.COMPLETED], sum(counts.values())) == (20, 20)


class Breaker:
    """Breaks the connection at every third commit of the first ones, just before it or just after."""

    def __init__(self, engine: Engine, moment: str) -> None:
        self._commits, self._moment = 0, moment
        event.listen(engine, "commit", self._commit)

    def _commit(self, connection: Connection) -> None:
        self._commits += 1
        if self._commits % 3 == 0 and self._commits < 20:
            driver: Any = connection.connection.driver_connection
            if self._moment == "after":
                driver.commit()
            driver.close()
