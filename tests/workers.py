"""Workers for tests: one beside the test, in its process, and one in a process of its own, to be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rookery import app
from rookery.base.config import encode_config
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import ENDED
from rookery.mechanisms.tasks.worker.embedded import embedded
from tests.patience import wait_for

SERVE = """
import sys
from rookery import app
from rookery.base.config import decode_config
with app.open(config=decode_config(sys.stdin.readline()), actor="worker") as rook:
    app.worker_of(rook, concurrency=2).run()
"""


@contextmanager
def working(rook: app.Rook, *, types: Iterable[TaskType] = (), **options: Any) -> Iterator[None]:
    """A worker for the tasks of this Rook's database, which acts as `worker`, until the block ends."""
    with (
        app.open(config=rook.config, actor="worker", types=types) as own,
        embedded(app.worker_of(own, **options)),
    ):
        yield


@contextmanager
def worker_process(rook: app.Rook, *, path: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """The same in a process of its own, which finds modules on this path, too."""
    search = [os.environ.get("PYTHONPATH", ""), *([str(path)] if path else ())]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(search)},
    )
    assert process.stdin is not None
    process.stdin.write(encode_config(rook.config) + "\n")
    process.stdin.flush()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def ended(rook: app.Rook, task_id: str) -> TaskInfo:
    """The task, when it has ended."""
    return until(rook, task_id, lambda task: task.status in ENDED)


def until(rook: app.Rook, task_id: str, is_so: Callable[[TaskInfo], bool]) -> TaskInfo:
    """The task, when that is so of it; soon, or the test fails."""
    seen: list[TaskInfo] = []

    def look() -> bool:
        seen.append(rook.tasks.get_task(task_id))
        return is_so(seen[-1])

    wait_for(look)
    return seen[-1]
