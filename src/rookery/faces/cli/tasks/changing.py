"""`rookery tasks cancel|retry|prune`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.asking import Moment, agreed
from rookery.faces.cli.leaving import say_who_does
from rookery.faces.cli.output import SHOWN_ID, emit_json, json_option, note, pass_rook

if TYPE_CHECKING:
    from rookery.app import Rook

TASKS = click.argument("task_ids", metavar="TASK…", nargs=-1, required=True)


@click.command()
@TASKS
@pass_rook
def cancel(rook: Rook, task_ids: tuple[str, ...]) -> None:
    """Cancel tasks.

    Those that run are told to stop.
    """
    for task_id in task_ids:
        is_cancelled = rook.tasks.cancel_task(task_id)
        task = rook.tasks.get_task(task_id)
        if not is_cancelled:
            note(f"{task.id[:SHOWN_ID]} has ended already: it is {task.status}.")
        else:
            note(f"{task.id[:SHOWN_ID]} {'is told to stop' if task.is_cancelling else 'is cancelled'}.")


@click.command()
@TASKS
@pass_rook
def retry(rook: Rook, task_ids: tuple[str, ...]) -> None:
    """Have failed or cancelled tasks done again.

    They have all their retries before them.
    """
    for task_id in task_ids:
        rook.tasks.retry_task(task_id)
        note(f"{rook.tasks.get_task(task_id).id[:SHOWN_ID]} is to be done again.")
    say_who_does(rook, task_ids)


@click.command()
@click.option("--before", type=Moment(), required=True, help="Delete tasks that ended before this time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_rook
def prune(rook: Rook, before: datetime, *, yes: bool, as_json: bool) -> None:
    """Delete tasks that have ended.

    Their attempts and files go with them, for good. Workers do so by themselves for those older than
    queue.keep_days.
    """
    agreed(yes, f"Delete tasks that ended before {before.isoformat()}, and their files, for good?")
    count = rook.tasks.prune_tasks(before)
    if as_json:
        emit_json({"removed": count})
    else:
        note(f"{count:,} task{'' if count == 1 else 's'} deleted.")
