"""`rookery tasks watch`: a task from where it stands to its end."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Protocol

import click

from rookery.faces.cli.output import NO_WORKER, SHOWN_ID, emit_json, json_option, note, pass_rook, printable
from rookery.faces.cli.statusline import StatusLine, has_status_line
from rookery.faces.cli.tasks.reading import progress, time_of, what

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.mechanisms.tasks.looking import TaskInfo

LOOK_SECONDS = 0.25
TENTHS = 10
"""Percent between two lines where there is no terminal."""


@click.command()
@click.argument("task_id", metavar="TASK")
@json_option
@click.pass_context
@pass_rook
def watch(rook: Rook, context: click.Context, task_id: str, *, as_json: bool) -> None:
    """Show how far a task is until it has ended.

    Exits 1 when it failed or was cancelled. Ctrl-C ends the watching, not the task.
    """
    from rookery.mechanisms.tasks.document import task_document

    task = _watched(rook, rook.tasks.get_task(task_id))
    if as_json:
        emit_json(task_document(task))
    _say_how_it_ended(task)
    context.exit(0 if task.status == "completed" else 1)


def _watched(rook: Rook, task: TaskInfo) -> TaskInfo:
    """The task, when it has ended."""
    from rookery.mechanisms.tasks.rules import ENDED

    if task.status == "pending" and not rook.tasks.health().workers:
        note(NO_WORKER)
    view: View = Line() if has_status_line() else Lines()
    try:
        while task.status not in ENDED:
            view.show(task)
            sleep(LOOK_SECONDS)
            task = rook.tasks.get_task(task.id)
    except KeyboardInterrupt:
        view.hide()
        note(f"The task goes on; to end it: rookery tasks cancel {task.id[:SHOWN_ID]}")
        raise
    view.hide()
    return task


class View(Protocol):
    """Shows a task as it goes on."""

    def show(self, task: TaskInfo) -> None:
        """As it stands now."""

    def hide(self) -> None:
        """It has ended, or nobody watches any more."""


class Line:
    """One line, which changes."""

    def __init__(self) -> None:
        self._line = StatusLine()

    def show(self, task: TaskInfo) -> None:
        """A bar, the status, and what the task says."""
        self._line.show(percent(task), printable(_words(task)))

    def hide(self) -> None:
        """As if it had never been there."""
        self._line.hide()


class Lines:
    """A line for each status, and for each tenth of the way."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def show(self, task: TaskInfo) -> None:
        """A line, if it has come far enough since the last one."""
        now = (task.status.value, int(percent(task)) // TENTHS)
        if now != self._last:
            self._last = now
            note(printable(f"{percent(task):3.0f} %  {_words(task)}"))

    def hide(self) -> None:
        """What was said stays."""


def percent(task: TaskInfo) -> float:
    """How far it says it is, 0 to 100."""
    return min(100 * (task.done or 0) / task.total, 100.0) if task.total else 0.0


def _words(task: TaskInfo) -> str:
    attempt = f", attempt {task.attempts}" if task.attempts > 1 and task.status == "running" else ""
    said = progress(task) if task.status == "running" else what(task)
    return f"{task.status}{attempt}{f': {said}' if said else ''}"


def _say_how_it_ended(task: TaskInfo) -> None:
    attempts = f", {task.attempts} attempts" if task.attempts > 1 else ""
    after = f" after {time_of(task)}" if task.started_us else ""
    why = f": {task.failure.error}: {task.failure.message}" if task.failure else ""
    note(printable(f"{task.status}{after}{attempts}{why}"))
    short = task.id[:SHOWN_ID]
    if task.status == "completed":
        note(f"What came of it: rookery tasks show {short}")
    else:
        note(f"Have it done again: rookery tasks retry {short}")
