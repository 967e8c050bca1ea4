"""Our queue as the others are measured: `python -m benchmarks.sides.queues.ours URL FOLDER WHAT…`.

work                run tasks until standard input ends
rates TYPE COUNT    print submitted, keyed and done per second, as JSON; one worker in the process
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from rookery import app
from rookery.base.config import Audit, Config, Database
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.queue import AnyWorker
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import TaskStatus

T = TypeVar("T")

THREADS = 16
"""So many submit at the same time, where many do."""


def nothing(_rook: Any, _context: TaskContext, _payload: Any) -> None:
    """Does nothing."""


def when(_rook: Any, _context: TaskContext, _payload: Any) -> dict[str, int]:
    """Says when it began, by a clock that all processes of a machine have in common."""
    return {"began": time.monotonic_ns()}


def dawdle(_rook: Any, context: TaskContext, payload: dict[str, Any]) -> None:
    """Says when it began, and takes a minute at the first attempt."""
    with Path(payload["file"]).open("a") as file:
        file.write(f"{context.attempt} {time.monotonic_ns()}\n")
    if context.attempt == 1:
        time.sleep(60)


TYPES = (
    TaskType(name="bench.nothing", function=nothing),
    TaskType(name="bench.idempotent", function=nothing, is_idempotent=True),
    TaskType(name="bench.when", function=when),
    TaskType(name="bench.dawdle", function=dawdle),
)


def open_rook(url: str, folder: Path) -> app.Rook:
    """A Rook on this database, every commit of which reaches the disk."""
    database = Database(url=url, sync_commits=True)
    return app.open(config=Config(data_dir=folder, database=database, audit=Audit()), types=TYPES)


@contextmanager
def working(rook: app.Rook, concurrency: int = 4) -> Iterator[AnyWorker]:
    """A worker in a thread of this process."""
    worker = app.worker_of(rook, concurrency=concurrency)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def rate(act: Callable[[], object], count: int) -> float:
    """How many per second."""
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


def in_folder(act: Callable[[str], T]) -> T:
    with tempfile.TemporaryDirectory() as folder:
        return act(folder)


def sqlite(folder: str) -> str:
    """The URL of a database in this folder."""
    return f"sqlite:///{folder}/rookery.db"


@contextmanager
def workers_on(url: str, folder: str, count: int = 1) -> Iterator[list[subprocess.Popen[str]]]:
    """Workers in processes of their own."""
    command = [sys.executable, "-m", "benchmarks.sides.queues.ours", url, folder, "work"]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        yield children
    finally:
        for child in children:
            child.communicate()


def rates(rook: app.Rook, type_: str, count: int) -> dict[str, float]:
    """Submitted one by one with a key, the same by many at once, without a key, and then done, per second."""

    def keyed(count: int) -> None:
        for number in range(count):
            rook.tasks.submit_task(type_, {"number": number}, idempotency_key=uuid4().hex)

    def at_once() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(keyed, [count // THREADS] * THREADS))

    def plain() -> None:
        for number in range(count):
            rook.tasks.submit_task(type_, {"number": number})

    return {
        "keyed": rate(lambda: keyed(count), count),
        "at_once": rate(at_once, count),
        "submitted": rate(plain, count),
        "done": rate(lambda: drain(rook), 3 * count),
    }


def drain(rook: app.Rook) -> None:
    """Do all there is, as RQ's worker does with `burst`: to ask whether it is done would slow it down."""
    app.worker_of(rook, concurrency=4, drains=True).run()
    assert not rook.tasks.health().counts[TaskStatus.PENDING]


def main() -> None:
    url, folder, what, *more = sys.argv[1:]
    with open_rook(url, Path(folder)) as rook:
        if what == "work":
            with working(rook):
                print("ready", flush=True)
                sys.stdin.read()
        else:
            print(json.dumps(rates(rook, more[0], int(more[1]))))


if __name__ == "__main__":
    main()
