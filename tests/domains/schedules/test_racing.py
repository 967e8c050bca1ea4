"""Many workers, in processes of their own, on one database: a due time is fired for by one of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rookery import app
from rookery.base.clock import to_us
from rookery.base.config import Config, Database, encode_config
from rookery.domains.schedules.timing import Cron, Every
from tests.domains.schedules.notes import TYPES
from tests.patience import PATIENCE, wait_for

PROCESSES = 4
OPEN = """
import sys
from rookery import app
from rookery.base.config import decode_config
from tests.domains.schedules.notes import TYPES
from rookery.domains.schedules.firing import fire_due
rook = app.open(config=decode_config(sys.stdin.readline()), actor="worker", types=TYPES)
print("ready", flush=True)
"""
FIRE = """
at = int(sys.stdin.readline())
print(fire_due(rook, at), flush=True)
"""
WORK = """
import signal
worker = app.worker_of(rook, concurrency=2)
signal.signal(signal.SIGTERM, lambda *_: worker.stop())
worker.run()
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def rook(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[app.Rook]:
    """A Rook on each database."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    config = Config(data_dir=data_dir, database=Database(url=url))
    with app.open(config=config, actor="tester", types=TYPES) as rook:
        yield rook


@contextmanager
def children(rook: app.Rook, code: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have opened the same database, and go on with this code; ended when the block does."""
    with ExitStack() as ending:
        found = []
        for _ in range(PROCESSES):
            child = subprocess.Popen(
                [sys.executable, "-c", OPEN + code],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
            )  # fmt: skip
            ending.enter_context(child)
            ending.callback(child.terminate)
            say(child, encode_config(rook.config))
            found.append(child)
        assert [hear(child) for child in found] == ["ready"] * PROCESSES
        yield found


def say(child: subprocess.Popen[str], line: object) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def hear(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_each_due_time_is_one_task_whoever_looks_at_the_same_moment(rook: app.Rook) -> None:
    names = [f"nr{number:02}" for number in range(25)]
    for name in names:
        due = rook.schedules.create(name, Cron("0 * * * *"), "notes.take", overlap="allow").next_due
    assert due is not None
    with children(rook, FIRE) as racing:
        for child in racing:
            say(child, to_us(due))
        upcoming = {hear(child) for child in racing}
    assert upcoming == {str(to_us(due + timedelta(hours=1)))}
    tasks = rook.tasks.list(limit=1000)
    assert len(tasks) == len({task.idempotency_key for task in tasks}) == len(names)
    for name in names:
        assert [each.outcome for each in rook.schedules.history(name)] == ["fired"]


def test_workers_fire_by_themselves_each_time_once_and_never_leave_one_out(rook: app.Rook) -> None:
    with children(rook, WORK):
        rook.schedules.create("ticks", Every(1), "notes.take", missed="all", overlap="allow")
        wait_for(lambda: len(rook.schedules.history("ticks")) >= 4)
        rook.schedules.disable("ticks")
        wait_for(lambda: all(task.status == "completed" for task in rook.tasks.list()))
    dues = fired(rook, "ticks")
    assert dues == [dues[0] + timedelta(seconds=number) for number in range(len(dues))]
    assert len(rook.tasks.list()) == len(dues)


def fired(rook: app.Rook, name: str) -> list[datetime]:
    """The due times that were fired for, in their order; there is nothing else in the history."""
    came = reversed(rook.schedules.history(name, limit=100))
    return [each.due for each in came if each.outcome == "fired" and each.due is not None]


def test_a_worker_that_dies_leaves_the_others_to_fire(rook: app.Rook) -> None:
    with children(rook, WORK) as workers:
        rook.schedules.create("ticks", Every(1), "notes.take", overlap="allow")
        for child in workers[:-1]:
            before = len(rook.schedules.history("ticks"))
            child.kill()
            child.wait(PATIENCE)
            wait_for(more_than(rook, before))
        rook.schedules.disable("ticks")
    dues = fired(rook, "ticks")
    assert len(dues) == len(set(dues)) == len(rook.tasks.list())


def more_than(rook: app.Rook, count: int) -> Callable[[], bool]:
    return lambda: len(rook.schedules.history("ticks", limit=100)) > count
