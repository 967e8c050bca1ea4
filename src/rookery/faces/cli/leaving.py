"""What is said of tasks that a command has left to others: who does them, if anybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rookery.faces.cli.output import NO_WORKER, SHOWN_ID, note

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.mechanisms.tasks.looking import TaskInfo, WorkerInfo

MOST_NAMED = 5


def say_who_does(rook: Rook, task_ids: Iterable[str]) -> bool:
    """Whether workers do them, and there is something to watch.

    It is said when no worker is there; and what has become of those that were done at once.
    """
    health, tasks = rook.tasks.health(), [rook.tasks.get_task(task_id) for task_id in task_ids]
    if health.backend == "inline":
        for task in tasks:
            _say_what_became(rook, task)
        return False
    if not all(any(_takes(worker, task) for worker in health.workers) for task in tasks):
        note(NO_WORKER)
    return True


def _takes(worker: WorkerInfo, task: TaskInfo) -> bool:
    return not worker.types or task.type in worker.types


def _say_what_became(rook: Rook, task: TaskInfo) -> None:
    if task.status == "pending":
        _say_what_waits([task])
        return
    shown = f"rookery tasks show {task.id[:SHOWN_ID]}"
    note(f"It was done at once (queue.backend is inline), and {task.status}: {shown}")
    _say_what_waits(rook.tasks.list(parent_id=task.id, status=["pending"], limit=MOST_NAMED + 1))


def _say_what_waits(tasks: list[TaskInfo]) -> None:
    if tasks:
        names = ", ".join(task.id[:SHOWN_ID] for task in tasks[:MOST_NAMED])
        more = " …" if len(tasks) > MOST_NAMED else ""
        note(
            f"A limit kept it from being done at once: {names}{more}. "
            "A worker does it when the limit is free:\n  rookery worker --drain"
        )
