"""Workers in processes of their own: killed, on several machines, started from RQ's command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace
from rq import SimpleWorker

from rookery import app
from rookery.base.config import Config, Database, Queue, encode_config
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.mechanisms.tasks.conftest import lines_of, patiently
from tests.mechanisms.tasks.jobs import TYPES
from tests.mechanisms.tasks.rq.conftest import OwnRedis
from tests.mechanisms.tasks.successes import count_successes, successes
from tests.patience import PATIENCE
from tests.workers import until

Starts = Callable[[Config], subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Starts]:
    """Start workers, which end with the test."""
    with ExitStack() as ends:

        def started(config: Config) -> subprocess.Popen[bytes]:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.mechanisms.tasks.rq.worker_child"], stdin=subprocess.PIPE
            )
            assert child.stdin is not None
            child.stdin.write(encode_config(config).encode() + b"\n")
            child.stdin.close()
            ends.callback(_end, child)
            return child

        yield started


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait(PATIENCE)


def settings(data_dir: Path, database_url: str, queue: Queue) -> Config:
    return Config(data_dir=data_dir, database=Database(url=database_url), queue=queue)


def completed(rook: app.Rook, ids: Sequence[str]) -> bool:
    for _ in patiently():
        if all(rook.tasks.get_task_status(id_) is TaskStatus.COMPLETED for id_ in ids):
            return True
    return False


def test_the_task_of_a_killed_worker_is_done_again_once_by_another(
    data_dir: Path, sqlite_url: str, queue_settings: Queue, redis: OwnRedis, start: Starts, tmp_path: Path
) -> None:
    config = settings(data_dir, sqlite_url, queue_settings)
    gate = {"log": str(tmp_path / "log"), "until": str(tmp_path / "gate")}
    with app.open(config=config, types=TYPES) as rook:
        first = start(config)
        task_id = rook.tasks.submit_task("gate.thread", gate)
        assert lines_of(tmp_path / "log", 1) == [f"{task_id} 1"]
        start(config)
        first.kill()
        assert lines_of(tmp_path / "log", 2)[1] == f"{task_id} 2"
        (tmp_path / "gate").touch()
        assert completed(rook, [task_id])
        assert len(lines_of(tmp_path / "log", 2)) == 2
        assert [each.outcome for each in rook.tasks.get_task(task_id).failed_attempts] == ["worker lost"]


def test_a_task_that_kills_its_workers_is_given_to_no_more_of_them(
    data_dir: Path, sqlite_url: str, queue_settings: Queue, redis: OwnRedis, start: Starts
) -> None:
    config = settings(data_dir, sqlite_url, queue_settings)
    with app.open(config=config, types=TYPES) as rook:
        task_id = rook.tasks.submit_task("die.worker")
        workers = [start(config) for _ in range(4)]
        task = until(rook, task_id, lambda task: task.status is TaskStatus.FAILED)
        assert task.failure is not None
        assert (task.attempts, task.failure.error) == (3, "WorkerLost")
        assert sorted(worker.poll() is None for worker in workers) == [False, False, False, True]
        assert completed(rook, [rook.tasks.submit_task("echo", 1)])


def test_whatever_happens_to_workers_and_redis_each_task_has_one_success(
    data_dir: Path, sqlite_url: str, queue_settings: Queue, redis: OwnRedis, start: Starts, tmp_path: Path
) -> None:
    """Workers are killed; Redis is emptied, and killed, too."""
    config, note = settings(data_dir, sqlite_url, queue_settings), {"log": tmp_path / "log", "until": "never"}
    with app.open(config=config, types=TYPES) as rook:
        count_successes(rook)
        workers = [start(config), start(config)]
        ids = []
        for number in range(240):
            ids.append(rook.tasks.submit_task("note", note, priority=number % 10))
            if number % 15 == 0:
                lines_of(tmp_path / "log", number // 2)  # it happens while they work
            if number % 60 == 15:
                workers[0].kill()
                workers = [workers[1], start(config)]
            elif number % 60 == 30:
                redis.client.flushall()
            elif number % 60 == 45:
                redis.kill()
                redis.start()
        assert completed(rook, ids)
        assert successes(rook) == Counter(ids)
    assert {line.split()[0] for line in lines_of(tmp_path / "log", 240)} == set(ids)


@pytest.mark.postgres
@pytest.mark.parametrize("backend", ["database", "rq"])
def test_workers_on_two_machines_share_the_load(
    backend: str, postgres_url: str, queue_settings: Queue, start: Starts, tmp_path: Path
) -> None:
    """They have nothing in common but PostgreSQL, and Redis where that is used."""
    queue = queue_settings if backend == "rq" else Queue()
    hosts = [settings(tmp_path / name, postgres_url, replace(queue, concurrency=1)) for name in ("a", "b")]
    log, gate = tmp_path / "log", tmp_path / "gate"
    with app.open(config=settings(tmp_path / "c", postgres_url, queue), types=TYPES) as rook:
        held = [rook.tasks.submit_task("gate.thread", {"log": log, "until": gate}) for _ in range(2)]
        more = [rook.tasks.submit_task("echo", number) for number in range(20)]
        for host in hosts:
            start(host)
        lines_of(log, 2)  # each of them has its one hand full
        workers = {rook.tasks.get_task(id_).worker_id for id_ in held}
        gate.touch()
        assert completed(rook, held + more)
    assert len(workers) == 2


def test_rqs_own_command_line_can_start_one(
    data_dir: Path, sqlite_url: str, queue_settings: Queue, redis: OwnRedis
) -> None:
    config = settings(data_dir, sqlite_url, queue_settings)
    with app.open(config=config) as rook:
        target = rook.data_dir / "page.txt"
        target.write_text("nothing")
        task_id = rook.tasks.submit_task("findings.import", {"path": str(target)})
    rq = [sys.executable, "-m", "rq.cli", "worker", "--burst", "-u", redis.url]
    rq += ["-w", "rookery.faces.cli.rq.RookeryWorker", "rookery-high", "rookery-normal", "rookery-low"]
    environment = {
        "ROOKERY_DATA_DIR": str(data_dir),
        "ROOKERY_QUEUE__BACKEND": "rq",
        "ROOKERY_QUEUE__REDIS_URL": redis.url,
    }
    done = subprocess.run(rq, env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    with app.open(config=config) as rook:
        assert rook.tasks.get_task(task_id).attempts == 1


def test_rq_info_shows_names_that_people_understand(
    data_dir: Path, sqlite_url: str, queue_settings: Queue, redis: OwnRedis, start: Starts
) -> None:
    config = settings(data_dir, sqlite_url, queue_settings)
    with app.open(config=config, types=TYPES) as rook:
        ids = [rook.tasks.submit_task("echo", {}, priority=priority) for priority in (0, 5, 9)]
        worker = start(config)
        assert completed(rook, ids)
    for _ in patiently():
        shown = subprocess.run(
            [sys.executable, "-m", "rq.cli", "info", "--raw", "-u", redis.url], capture_output=True, text=True
        ).stdout
        if shown.count("1 finished") == 3:
            break
    assert "queue rookery-high 0, 0 executing, 1 finished, 0 failed" in shown
    assert "worker rookery-" in shown
    worker.send_signal(signal.SIGTERM)
    worker.wait(PATIENCE)
    assert SimpleWorker.all(connection=redis.client) == []
