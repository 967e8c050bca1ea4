"""`rookery tasks list|show|artifacts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.files import list_artifacts, output_option, send
from rookery.faces.cli.output import (
    SHOWN_ID,
    Column,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
    took,
    without_blanks,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.mechanisms.tasks.looking import TaskInfo

STATUSES = ("pending", "scheduled", "running", "retrying", "completed", "failed", "cancelled")
COLUMNS = (
    Column("id", whole=True),
    Column("type", whole=True),
    Column("status", whole=True),
    Column("created (utc)", whole=True, spare=True),
    Column("took", right=True, whole=True),
    Column("what", cut=True),
)
NONE_YET = "No task has been submitted yet. Leave a scan to a worker: rookery scan URL --detach"
LONGEST_SHOWN = 400
"""Characters of a payload or a result; --json has all of it."""


@click.command("list")
@click.option(
    "--status", type=click.Choice(STATUSES), multiple=True, help="Only these; may be given several times."
)
@click.option("--type", "type_", metavar="TYPE", help="Only tasks of this type, such as scans.run.")
@click.option("--parent", metavar="TASK", help="Only tasks that this one has submitted.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@click.option("--before", metavar="TASK", help="Only older ones than this task: the next page.")
@json_option
@pass_rook
def list_(
    rook: Rook,
    status: tuple[str, ...],
    type_: str | None,
    parent: str | None,
    limit: int,
    before: str | None,
    *,
    as_json: bool,
) -> None:
    """Show the latest tasks."""
    from rookery.mechanisms.tasks.document import task_document

    found = rook.tasks.list(
        status=status,
        type=type_,
        parent_id=parent and rook.tasks.get_task(parent).id,
        before=before and rook.tasks.get_task(before).id,
        limit=limit + 1,
    )
    shown, next_page = found[:limit], found[limit - 1].id if len(found) > limit else None
    if as_json:
        emit_list(map(task_document, shown), next_page)
        return
    is_narrowed = bool(status or type_ or parent or before)
    table(COLUMNS, map(_line, shown), empty="No task fits." if is_narrowed else NONE_YET)
    if next_page:
        note(f"There are more: --before {next_page[:SHOWN_ID]}")


def _line(task: TaskInfo) -> list[object]:
    from rookery.base.clock import from_us

    created = f"{from_us(task.created_us):%Y-%m-%d %H:%M}"
    return [task.id[:SHOWN_ID], task.type, task.status, created, time_of(task), what(task)]


def time_of(task: TaskInfo) -> str:
    """For how long it has run, or ran at last."""
    from rookery.base.clock import now_us

    if task.started_us is None or task.status in {"pending", "scheduled", "retrying"}:
        return ""
    return took(((task.finished_us or now_us()) - task.started_us) / 1000)


def what(task: TaskInfo) -> str:
    """The one thing to know of a task where it stands."""
    if task.status in {"scheduled", "retrying"}:
        return f"{_when(task)}{f': {task.failure.message}' if task.failure else ''}"
    if task.status == "pending" and task.waits_for:
        return f"waits for a place: {task.waits_for}"
    if task.is_cancelling:
        return "is being cancelled"
    if task.status == "failed" and task.failure:
        return task.failure.message
    return task.message if task.status in {"running", "completed"} else ""


def _when(task: TaskInfo) -> str:
    from rookery.base.clock import from_us

    return f"at {from_us(task.run_at_us):%Y-%m-%d %H:%M:%S}"


@click.command()
@click.argument("task_id", metavar="TASK")
@click.option("--traceback", is_flag=True, help="Where in the code it failed, too.")
@json_option
@pass_rook
def show(rook: Rook, task_id: str, *, traceback: bool, as_json: bool) -> None:
    """Show one task and its failed attempts.

    The beginning of its id will do.
    """
    from rookery.mechanisms.tasks.document import task_document

    task = rook.tasks.get_task(task_id)
    document = task_document(task, has_traceback=traceback)
    if as_json:
        emit_json(document)
        return
    for name, value in _facts(task, document).items():
        if value not in (None, ""):
            click.echo(f"{name:<10} {printable(value)}")
    _attempts(document)
    if traceback and task.failure:
        _lines_of(task.failure.traceback)
    _say_what_next(task)


def _facts(task: TaskInfo, document: dict[str, Any]) -> dict[str, Any]:
    failure = task.failure
    return {
        "task": task.id,
        "type": task.type,
        "status": "running, is being cancelled" if task.is_cancelling else task.status,
        "waits for": task.waits_for if task.status == "pending" else None,
        "by": task.actor,
        "parent": task.parent_id,
        "key": task.idempotency_key,
        "priority": task.priority,
        "timeout": None if task.timeout is None else took(1000 * task.timeout),
        "created": document["created"],
        "due": document["run_at"] if task.status in {"scheduled", "retrying"} else None,
        "started": document["started"],
        "finished": document["finished"],
        "took": time_of(task),
        "worker": task.worker_id if task.status == "running" else None,
        "attempts": task.attempts,
        "progress": progress(task),
        "payload": _shown(without_blanks(task.payload)),
        "result": None if task.result is None else _shown(task.result),
        "error": None if failure is None else f"{failure.error}: {failure.message}",
    }


def progress(task: TaskInfo) -> str:
    """How far it says it is."""
    counted = "" if task.total is None else f"{task.done or 0:,} of {task.total:,}"
    return ", ".join(filter(None, (counted, task.message)))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… (all of it with --json)"


def _attempts(document: dict[str, Any]) -> None:
    rows = [
        (each["number"], each["outcome"], each["ended"][:19].replace("T", " "), _said(each["failure"]))
        for each in document["failed_attempts"]
    ]
    if rows:
        click.echo("")
        columns = [Column("attempt", right=True, whole=True), Column("outcome", whole=True)]
        table([*columns, Column("ended (utc)", whole=True), "error"], rows)


def _said(failure: dict[str, str] | None) -> str:
    return f"{failure['error']}: {failure['message']}" if failure else ""


def _lines_of(traceback: str) -> None:
    click.echo("")
    for line in traceback.splitlines():
        click.echo(printable(line))


def _say_what_next(task: TaskInfo) -> None:
    short = task.id[:SHOWN_ID]
    if task.status in {"failed", "cancelled"}:
        note(f"Have it done again: rookery tasks retry {short}")
    elif task.status == "running":
        note(f"Watch it: rookery tasks watch {short}")


@click.command()
@click.argument("task_id", metavar="TASK")
@click.argument("name", metavar="[FILE]", required=False)
@output_option
@json_option
@pass_rook
def artifacts(rook: Rook, task_id: str, name: str | None, output: Path | None, *, as_json: bool) -> None:
    """List the files of a task, or write out one.

    They are those that it has left on this machine.
    """
    if name is not None:
        send(rook.tasks.read_artifact(task_id, name), output)
        return
    list_artifacts(rook.tasks.artifacts(task_id), as_json=as_json, empty="This task has left no files here.")
