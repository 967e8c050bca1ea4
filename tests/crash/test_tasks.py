"""Workers, submitters, their database die at any moment: each task is done, its success recorded once."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rookery import app
from rookery.base.config import Config, Database, encode_config
from rookery.mechanisms.tasks.presence import dead_workers
from rookery.mechanisms.tasks.rules import TaskStatus
from tests import servers
from tests.mechanisms.tasks.jobs import TYPES
from tests.mechanisms.tasks.successes import count_successes, successes
from tests.patience import PATIENCE, wait_for

TASKS, KILLS = 2_000, 50
LONGEST_LIFE = 0.15  # seconds after it has done something
DISK = "48m"


class Nursery:
    """Processes born at once, which end with the test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._born: set[int] = set()

    def bear(self, role: str, config: Config, log: Path) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([role, encode_config(config), str(log)]) + "\n")
        self._process.stdin.flush()
        self._born.add(child := int(self._process.stdout.readline()))
        return child

    def kill(self, child: int) -> None:
        os.kill(child, signal.SIGKILL)
        self._born.discard(child)
        wait_for(lambda: not Path(f"/proc/{child}").exists())

    def close(self) -> None:
        for child in self._born:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A line for each attempt that had its effect."""
    path = tmp_path / "log"
    path.touch()
    return path


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines()


def mixed(log: Path, number: int) -> tuple[str, dict[str, Any]]:
    """Most are over at once, one in ten takes up to 50 ms; some may be done again, some are coroutines."""
    if number % 10 == 0:
        return "nap", {"log": str(log), "seconds": number % 50 / 1_000}
    return ("note", "note.shared", "note.loop")[number % 3], {"log": str(log), "until": "never"}


def all_done(rook: app.Rook, count: int) -> bool:
    """So many deaths may hit one task three times, by chance: it waits for a person then, who is here."""
    for task in rook.tasks.list(status=["failed"]):
        assert task.failure is not None
        assert task.failure.error == "WorkerLost"
        rook.tasks.retry_task(task.id)
    return rook.tasks.health().counts[TaskStatus.COMPLETED] == count


def assert_done_once(rook: app.Rook, ids: set[str], log: Path) -> None:
    """Every task has had its effect, and one success; the counts are right; nobody is left over."""
    assert {line.split()[0] for line in lines(log)} == ids
    assert successes(rook) == Counter(ids)
    with rook.engine.connect() as connection:
        rows = {row.id: row.status for row in connection.execute(text("SELECT id, status FROM task"))}
        left = connection.execute(text("SELECT count(*) FROM task_slot")).scalar()
    assert (rows, left) == (dict.fromkeys(ids, "completed"), 0)
    assert sum(rook.tasks.health().counts.values()) == len(ids)


def test_workers_are_killed_fifty_times_while_they_do_two_thousand_tasks(
    sqlite_url: str, data_dir: Path, nursery: Nursery, log: Path
) -> None:
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url))
    kill_workers(config, nursery, log, TASKS, KILLS)


@pytest.mark.postgres
def test_workers_on_postgresql_are_killed_while_they_work(
    postgres_url: str, data_dir: Path, nursery: Nursery, log: Path
) -> None:
    config = Config(data_dir=data_dir, database=Database(url=postgres_url))
    kill_workers(config, nursery, log, TASKS // 5, KILLS // 5)


def kill_workers(config: Config, nursery: Nursery, log: Path, tasks: int, kills: int) -> None:
    """One of two, so often, while they do so many tasks; and see that nothing is lost or done twice."""
    ids: set[str] = set()
    with app.open(config=config, types=TYPES) as rook:
        count_successes(rook)
        workers = [nursery.bear("worker", config, log) for _ in range(2)]
        for number in range(tasks):
            done = len(lines(log))
            ids.add(str(rook.tasks.submit_task(*mixed(log, number))))
            if number % (tasks // kills) == 0:
                wait_for(lambda done=done: len(lines(log)) > done)  # type: ignore[misc]
                time.sleep(random.uniform(0, LONGEST_LIFE))
                nursery.kill(workers.pop(0))
                workers.append(nursery.bear("worker", config, log))
        wait_for(lambda: all_done(rook, tasks))
        assert_done_once(rook, ids, log)
        with rook.engine.connect() as connection:
            lost = connection.execute(text("SELECT count(*) FROM task_attempt")).scalar()
        assert lost, "none of them was killed at its work"
        wait_for(lambda: not dead_workers(config.data_dir))


def test_what_a_killed_submitter_was_told_is_submitted_is_done(
    sqlite_url: str, data_dir: Path, nursery: Nursery, log: Path
) -> None:
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url))
    accepted = log.with_suffix(".accepted")
    accepted.touch()
    with app.open(config=config, types=TYPES) as rook:
        count_successes(rook)
    for _ in range(10):
        before = len(lines(accepted))
        submitter = nursery.bear("submitter", config, log)
        wait_for(lambda before=before: len(lines(accepted)) > before)  # type: ignore[misc]
        time.sleep(random.uniform(0, LONGEST_LIFE))
        nursery.kill(submitter)
    with app.open(config=config, types=TYPES) as rook:
        ids = {task.id for task in rook.tasks.list(limit=100_000)}
        assert set(lines(accepted)) <= ids
        assert len(ids) <= len(lines(accepted)) + 10  # each may have died before it could write it down
        nursery.bear("worker", config, log)
        wait_for(lambda: all_done(rook, len(ids)))
        assert_done_once(rook, ids, log)


@pytest.mark.postgres
def test_postgresql_stops_and_starts_under_the_workers_of_two_machines(
    nursery: Nursery, tmp_path: Path, log: Path
) -> None:
    """They have nothing in common but the database."""
    with servers.own_postgres() as server:
        hosts = [Config(data_dir=tmp_path / name, database=Database(url=server.url)) for name in "abc"]
        with app.open(config=hosts[2], types=TYPES) as rook:
            count_successes(rook)
            for host in hosts[:2]:
                nursery.bear("worker", host, log)
            wait_for(lambda: len(rook.tasks.health().workers) == 2)
            ids: set[str] = set()
            for number in range(300):
                ids.add(str(rook.tasks.submit_task(*mixed(log, number))))
                if number % 100 == 50:
                    wait_for(lambda: len(lines(log)) > len(ids) // 2)
                    server.stop()
                    time.sleep(0.5)
                    server.start()
            wait_for(lambda: all_done(rook, len(ids)))
            assert_done_once(rook, ids, log)
            assert len(rook.tasks.health().workers) == 2


def test_a_disk_that_is_full_for_a_while_holds_up_the_workers_and_loses_nothing(
    sqlite_url: str, data_dir: Path, nursery: Nursery, log: Path
) -> None:
    """No file of theirs may grow, as on a full disk; the effects are in files of their own."""
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url))
    folder = log.parent / "effects"
    folder.mkdir()
    with app.open(config=config, types=TYPES) as rook:
        count_successes(rook)
        workers = [nursery.bear("worker", config, log) for _ in range(2)]
        ids = []
        for number in range(300):
            payload = {"log": str(folder / str(number)), "until": "never"}
            ids.append(str(rook.tasks.submit_task("note.shared", payload)))
            if number % 100 == 50:
                wait_for(lambda: len(list(folder.iterdir())) > len(ids) // 2)
                allow(workers, 4_096)
            elif number % 100 == 99:
                time.sleep(0.3)
                assert rook.tasks.health().counts[TaskStatus.COMPLETED] < len(ids), "it was not full"
                allow(workers, resource.RLIM_INFINITY)
        wait_for(lambda: all_done(rook, len(ids)))
        assert len(list(folder.iterdir())) == len(ids)
        assert successes(rook) == Counter(ids)
        assert rook.audit.verify().is_intact


def test_a_disk_that_really_is_full_refuses_tasks_and_loses_none_that_it_took(
    tmp_path: Path, log: Path
) -> None:
    """A small disk of its own, on which the last byte is taken again and again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size={DISK} none {disk}"
    run = f"exec {sys.executable} -m tests.crash.full_disk_child {disk} {log}"
    child = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mount} && {run}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if child.returncode and child.stderr.startswith(("unshare:", "mount:")):
        pytest.skip(f"no disk of its own: {child.stderr.strip()}")
    assert child.returncode == 0, child.stderr
    assert "refused" in child.stdout


def allow(processes: list[int], size: int) -> None:
    """How many bytes a file may have that they write to."""
    for process in processes:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
