"""Workers for the tests: real ones, each in a thread, on the database of the test's `call`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rookery import app
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.queue import AnyWorker
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import ENDED, TaskStatus
from rookery.mechanisms.tasks.worker.core import Worker
from tests.conftest import Call
from tests.mechanisms.tasks.jobs import CHILD, TYPES
from tests.patience import PATIENCE


@pytest.fixture
def own_types() -> Sequence[TaskType]:
    """The types of tasks that the tests submit."""
    return TYPES


class Team:
    """The workers of a test, and what it waits for."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._working: list[tuple[AnyWorker, threading.Thread]] = []
        self._failures: list[BaseException] = []

    def start(self, *, concurrency: int | None = 4, **options: Any) -> AnyWorker:
        """A worker that has begun."""
        rook = app.open(config=self._call.config, actor="worker", types=TYPES)
        worker = app.worker_of(rook, concurrency=concurrency, **{"child": CHILD} | options)

        def work() -> None:
            try:
                with rook:
                    worker.run()
            except BaseException as failure:  # noqa: BLE001  raised where the test looks
                self._failures.append(failure)

        thread = threading.Thread(target=work)
        thread.start()
        self._working.append((worker, thread))
        return worker

    def stop(self) -> None:
        """End them all, as a signal would."""
        for worker, _ in self._working:
            worker.stop()
        self.join()

    def join(self) -> None:
        """Wait until they have ended."""
        for _, thread in self._working:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a worker does not end"
        self._working.clear()
        if self._failures:
            raise self._failures.pop(0)

    def ended(self, task_id: str) -> TaskInfo:
        """The task, once it has ended."""
        return self.once(task_id, lambda task: task.status in ENDED)

    def running(self, task_id: str) -> TaskInfo:
        """The task, once it runs."""
        return self.once(task_id, lambda task: task.status is TaskStatus.RUNNING)

    def once(self, task_id: str, is_so: Callable[[TaskInfo], bool]) -> TaskInfo:
        """The task, once something is true of it."""
        task = self.look(task_id)
        for _ in patiently():
            if self._failures:
                raise self._failures.pop(0)
            if is_so(task := self.look(task_id)):
                return task
        raise AssertionError(f"it stays like this: {task}")

    def look(self, task_id: str) -> TaskInfo:
        """The task as it stands."""
        found: TaskInfo = self._call.rook.tasks.get_task(task_id)
        return found


def database_worker(worker: AnyWorker) -> Worker:
    """The worker of the database backend, which it is here."""
    assert isinstance(worker, Worker)
    return worker


def patiently() -> Iterator[None]:
    """Again and again for a long time, with a pause in between."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
        time.sleep(0.005)


def together(work: Callable[[int], object], count: int) -> list[Any]:
    """What `work` returns for each number below `count`, called in so many threads that begin at once."""
    begin = threading.Barrier(count)

    def at_once(number: int) -> object:
        begin.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(at_once, range(count)))


def lines_of(log: Path, count: int) -> list[str]:
    """The lines of a file, once there are so many."""
    for _ in patiently():
        if log.exists() and len(lines := log.read_text().splitlines()) >= count:
            return lines
    raise AssertionError(f"{log} did not get {count} lines")


@pytest.fixture
def team(call: Call) -> Iterator[Team]:
    """Workers on the database of `call`, which end with the test."""
    team = Team(call)
    yield team
    team.stop()


class GateKeeper:
    """A file that tasks wait for, and the one that they write to when they begin."""

    def __init__(self, folder: Path, name: str) -> None:
        self.log, self.until = folder / f"{name}.log", folder / name

    @property
    def payload(self) -> dict[str, str]:
        """For tasks that wait here."""
        return {"log": str(self.log), "until": str(self.until)}

    def open(self) -> None:
        """Let them through."""
        self.until.touch()

    def begun(self, count: int = 1) -> list[str]:
        """Which attempts at which tasks have begun, once they are so many."""
        return lines_of(self.log, count)


@pytest.fixture
def gate(tmp_path: Path, team: Team) -> Iterator[GateKeeper]:
    """A gate, opened before the workers are to end."""
    keeper = GateKeeper(tmp_path, "gate")
    yield keeper
    keeper.open()
