"""Verbs that leave their work to a task there, and wait here until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from rookery.base.errors import RookeryError
from rookery.base.structs import ready
from rookery.faces.api.documents import Submitted
from rookery.faces.client.calls import Arguments, Call, Pause, Request, Steps, decoded, pages
from rookery.faces.client.refusals import error_of
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.rules import ENDED, TaskStatus
from rookery.mechanisms.tasks.submitting import TaskId, known

SHORTEST, LONGEST = 0.05, 2.0
"""Seconds between two looks at a task."""


def submits(write: Callable[..., Call], path: str, **how: Any) -> Call:
    """Leave the work to a task; its id."""
    return write(path, reads=Submitted, then=_id_of, **how)


def _id_of(told: Submitted) -> TaskId:
    return TaskId(told.task_id) if told.is_new else known(told.task_id)


def awaits(submit: Call, then: Callable[[TaskInfo], Steps] | None = None) -> Call:
    """Leave the work to a task, and wait for it. What it returns is what the verb does, unless `then` makes
    that of the task. Raises what the task has failed with."""

    def steps(arguments: Arguments, answers: Any) -> Steps:
        task = yield from ended((yield from submit(arguments, answers)))
        if then is not None:
            return (yield from then(task))
        return msgspec.convert(task.result, ready(answers))

    return steps


def ended(task_id: str) -> Steps:
    """The task, when it has completed. Raises what it has failed with."""
    waits = _waits()
    while (task := decoded((yield Request("GET", f"/tasks/{task_id}")), TaskInfo)).status not in ENDED:
        yield Pause(next(waits))
    if task.status is not TaskStatus.COMPLETED:
        raise failure_of(task)
    return task


def children(parent_id: str) -> Steps:
    """The tasks that a task has submitted, when all of them have ended, however."""
    waits = _waits()
    while True:
        tasks: list[TaskInfo] = yield from pages("/tasks", reads=TaskInfo)({"parent": parent_id}, None)
        if all(task.status in ENDED for task in tasks):
            return tasks
        yield Pause(next(waits))


def failure_of(task: TaskInfo) -> RookeryError:
    """What a task has failed with, as an error of the same kind."""
    if task.failure is None:
        return error_of("task-cancelled", f"Task {task.id} was {task.status}.")
    return error_of(task.failure.code, task.failure.message)


def _waits() -> Iterator[float]:
    wait = SHORTEST
    while True:
        yield wait
        wait = min(wait * 1.5, LONGEST)
