"""Schedules: how long after its due time a task runs, with several idle workers that might fire it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.queue_put import quantile
from benchmarks.rows import Row
from benchmarks.sides.queues.ours import open_rook, sqlite, workers_on
from benchmarks.task_times import ready, wait_for
from rookery import app
from rookery.base.clock import to_us
from rookery.domains.schedules.timing import Every

WORKERS = 3
FIRINGS = 60


def main() -> Iterator[Row]:
    """One schedule that is due each second."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        rook = stack.enter_context(open_rook(sqlite(folder), Path(folder)))
        for worker in stack.enter_context(workers_on(sqlite(folder), folder, WORKERS)):
            ready(worker)
        rook.schedules.create("ticks", Every(1), "bench.nothing", {"number": 1}, overlap="allow")
        wait_for(lambda: len(rook.schedules.history("ticks", limit=FIRINGS)) >= FIRINGS)
        rook.schedules.disable("ticks")
        late = sorted(lateness(rook))
        tasks = len(rook.tasks.list(limit=1_000))
    detail = f"p50 {quantile(late, 0.5):.1f}, p99 {quantile(late, 0.99):.1f} ms, {len(late)} firings"
    yield Row(f"due to start, {WORKERS} workers: the longest", late[-1], "ms", 1_000, "less", detail)
    yield Row("tasks beyond one for each due time", tasks - len(late), "tasks", 0, "less", f"{tasks} tasks")


def lateness(rook: app.Rook) -> Iterator[float]:
    """Milliseconds from each due time to the start of its task."""
    for came in rook.schedules.history("ticks", limit=1_000):
        assert came.due is not None
        assert came.task_id is not None
        wait_for(lambda id_=came.task_id: rook.tasks.get_task(id_).started_us is not None)  # type: ignore[misc]
        started = rook.tasks.get_task(came.task_id).started_us
        yield ((started or 0) - to_us(came.due)) / 1_000
