"""Tasks: how soon they start, how soon another worker has those of a dead one, and what history costs."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.queue_put import quantile
from benchmarks.rows import Row
from benchmarks.sides.queues.ours import drain, in_folder, open_rook, rate, sqlite, workers_on
from rookery import app
from rookery.base.clock import now_us
from rookery.mechanisms.tasks.rules import TaskStatus

COUNT = 1_000
SAMPLES = 200
IDLE_SECONDS = 60
KILLS = 10
ROUNDS = 5
FINISHED = 1_000_000


def main() -> Iterator[Row]:
    yield from latency()
    yield recovery()
    yield duplicates()
    yield from history()


def latency() -> Iterator[Row]:
    """From the call of submit_task to the first line of the task, in another process."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_rook(sqlite(folder), Path(folder)) as rook,
        workers_on(sqlite(folder), folder) as (worker,),
    ):
        ready(worker)
        taken = sorted(started_after(rook) for _ in range(SAMPLES))
        time.sleep(IDLE_SECONDS)
        idle = started_after(rook)
    detail = f"p50 {quantile(taken, 0.5):.2f}, p99 {quantile(taken, 0.99):.2f} ms, {SAMPLES} tasks"
    yield Row("submit to start, in another process: p50", quantile(taken, 0.5), "ms", 2, "less", detail)
    yield Row("the same: p99", quantile(taken, 0.99), "ms", 20, "less", detail)
    yield Row(f"the same after {IDLE_SECONDS} s of nothing", idle, "ms", 20, "less", "one task")


def ready(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    time.sleep(0.5)


def started_after(rook: app.Rook) -> float:
    """Milliseconds; the next one comes when this one is done."""
    began = time.monotonic_ns()
    task_id = rook.tasks.submit_task("bench.when", {})
    while (result := rook.tasks.get_task_result(task_id)) is None:
        time.sleep(0.01)
    return float(result["began"] - began) / 1e6


def recovery() -> Row:
    """How long until the task of a worker that was killed runs again in another one; the longest of some."""
    taken = sorted(in_folder(killed) for _ in range(KILLS))
    detail = (
        f"p50 {quantile(taken, 0.5):.0f} ms, the longest of {KILLS} kills; RQ's defaults: 812 s, Huey: never"
    )
    return Row("a killed worker's task runs again after", taken[-1] / 1000, "s", 1, "less", detail)


def killed(folder: str) -> float:
    """Milliseconds."""
    seen = Path(folder) / "seen"
    with open_rook(sqlite(folder), Path(folder)) as rook, workers_on(sqlite(folder), folder) as (first,):
        ready(first)
        task_id = rook.tasks.submit_task("bench.dawdle", {"file": str(seen)})
        wait_for(seen.exists)
        with workers_on(sqlite(folder), folder) as (second,):
            ready(second)
            at = time.monotonic_ns()
            os.kill(first.pid, signal.SIGKILL)
            wait_for(lambda: rook.tasks.get_task_status(task_id) is TaskStatus.COMPLETED)
    _, again = seen.read_text().splitlines()
    return (int(again.split()[1]) - at) / 1e6


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def duplicates() -> Row:
    """Two processes submit the same 300 tasks."""
    code = (
        "import sys; from pathlib import Path; from benchmarks.sides.queues.ours import open_rook\n"
        "with open_rook(sys.argv[1], Path(sys.argv[2])) as rook:\n"
        "    for number in range(300):\n"
        "        rook.tasks.submit_task('bench.nothing', {}, idempotency_key=f'the same {number}')\n"
    )
    with tempfile.TemporaryDirectory() as folder, open_rook(sqlite(folder), Path(folder)) as rook:
        command = [sys.executable, "-c", code, sqlite(folder), folder]
        children = [subprocess.Popen(command) for _ in range(2)]
        assert [child.wait() for child in children] == [0, 0]
        count = rook.tasks.health().counts[TaskStatus.PENDING]
    return Row(
        "duplicates of 300 identical submissions from 2 processes", count - 300, "tasks", 0, "less",
        f"{count} tasks",
    )  # fmt: skip


def history() -> Iterator[Row]:
    """An empty table against one with a million tasks that have ended, in turn; the best of each counts."""
    with (
        tempfile.TemporaryDirectory() as one, open_rook(sqlite(one), Path(one)) as other,
        tempfile.TemporaryDirectory() as folder, open_rook(sqlite(folder), Path(folder)) as rook,
    ):  # fmt: skip
        done_rate(rook)
        fill(Path(folder) / "rookery.db")
        rounds = [(done_rate(other), done_rate(rook)) for _ in range(ROUNDS)]
        empty, full = map(max, zip(*rounds, strict=True))
        listing = milliseconds(lambda: rook.tasks.list(limit=100))
        failed = milliseconds(lambda: rook.tasks.list(status=["failed"], limit=100))
        health = milliseconds(rook.tasks.health)
    detail = f"{full:,.0f} against {empty:,.0f} /s, best of {ROUNDS} rounds"
    yield Row(
        f"tasks/s with {FINISHED:,} finished ones, of those without", full / empty, "×", 0.9, "more", detail
    )
    yield Row("listing 100 of them", max(listing, failed), "ms", 20, "less", f"failed ones {failed:.1f} ms")
    yield Row("health", health, "ms", 20, "less", "from counters")


def done_rate(rook: app.Rook) -> float:
    for number in range(COUNT):
        rook.tasks.submit_task("bench.nothing", {"number": number})
    return rate(lambda: drain(rook), COUNT)


def fill(path: Path) -> None:
    """As if so many tasks had been done, of which each thousandth failed."""
    with closing(sqlite3.connect(path)) as raw:
        columns = [row[1] for row in raw.execute("PRAGMA table_info(task)")]
        values = ", ".join(FILLED.get(column, f"model.{column}") for column in columns)
        raw.execute(
            f"INSERT INTO task ({', '.join(columns)}) "  # noqa: S608
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {FINISHED}) "
            f"SELECT {values} FROM n, (SELECT * FROM task LIMIT 1) model",
        )
        raw.execute(
            "INSERT INTO task_tally (type, status, change) VALUES ('bench.nothing', 'completed', ?)",
            (FINISHED,),
        )
        raw.commit()


FILLED = {
    "id": f"printf('0000{now_us() >> 20:08x}-%012d', i)",
    "status": "CASE WHEN i % 1000 THEN 'completed' ELSE 'failed' END",
}


def milliseconds(act: Callable[[], object]) -> float:
    """The median of some."""
    taken = sorted(1000 / rate(act, 1) for _ in range(11))
    return taken[5]
