"""`rookery scan --detach`: the scan is left to a worker, and its task is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.leaving import say_who_does
from rookery.faces.cli.output import emit_json, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from rookery.app import Rook

    Submit = Callable[[Rook], str]
    """Leaves the scan to a worker; the id of its task."""

WAITED_FOR = {"as_jsonl": "--jsonl", "fail_on": "--fail-on"}
"""What says something about the end of the scan."""


def detach(rook: Rook, submit: Submit, *, as_json: bool) -> None:
    """Submit, and say what can be done next. Raises UsageError for what makes no sense without waiting."""
    _refuse_waiting(click.get_current_context())
    if not rook.config.queue.enabled:
        raise click.UsageError("The task queue is off (queue.enabled): leave out --detach.")
    task_id = submit(rook)
    if as_json:
        emit_json({"task_id": task_id, "is_new": getattr(task_id, "is_new", True)})
    else:
        click.echo(task_id)
    _say_what_next(rook, task_id)


def _refuse_waiting(context: click.Context) -> None:
    for name, option in WAITED_FOR.items():
        if context.params.get(name):
            raise click.UsageError(f"--detach does not wait for what is found: leave out {option}.")


def _say_what_next(rook: Rook, task_id: str) -> None:
    if not getattr(task_id, "is_new", True):
        note("That scan waits or runs already; this is its task.")
    if say_who_does(rook, [task_id]):
        note(f"Watch it: rookery tasks watch {task_id}")
