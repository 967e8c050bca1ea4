"""`rookery schedules list|show|next`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rookery.domains.schedules.cli.options import When, timing_from, timing_options
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
    without_blanks,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rookery.app import Rook
    from rookery.domains.schedules.document import FiringInfo, ScheduleInfo
    from rookery.domains.schedules.timing import Timing

EMPTY = "There is no schedule. Make one: rookery schedules add nightly --cron '0 3 * * *' --scan URL"
COLUMNS = (
    Column("name", whole=True),
    Column("when"),
    Column("next due", whole=True),
    Column("last fired"),
    Column("task", spare=True),
)
NO_WORKER = "No worker runs: nothing fires until one does. Start one: rookery worker"
SHOWN = 10


@click.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show every schedule, and when it is due."""
    found = rook.schedules.list()
    if as_json:
        emit_list(found)
    else:
        table(COLUMNS, map(_line, found), empty=EMPTY)
    say_if_nobody_fires(rook, found)


def _line(info: ScheduleInfo) -> list[object]:
    last = _local(info, info.last_fired)
    if last and info.last_status:
        last = f"{last}, {info.last_status}"
    return [info.name, info.timing, _next_due(info), last, info.task_type]


def _next_due(info: ScheduleInfo) -> str:
    if not info.is_enabled:
        return "disabled"
    return _local(info, info.next_due) or "never again"


def _local(info: ScheduleInfo, moment: datetime | None) -> str:
    from rookery.domains.schedules.timing import local_time

    return "" if moment is None else local_time(moment, info.timing.zone)


def say_if_nobody_fires(rook: Rook, schedules: Sequence[ScheduleInfo]) -> None:
    """A note where something is due some time, and no worker runs, or none that knows its type of task."""
    wanted = {each.task_type for each in schedules if each.next_due}
    workers = rook.tasks.health().workers
    left = wanted.difference(*(worker.types for worker in workers))
    if left:
        note(f"No running worker knows {', '.join(sorted(left))}." if workers else NO_WORKER)


def say_when_due(rook: Rook, info: ScheduleInfo) -> None:
    """A note about what comes of what was done."""
    note(f"{info.name}: {info.timing}; next due: {_next_due(info)}")
    say_if_nobody_fires(rook, [info])


@click.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show one schedule and its history."""
    import msgspec

    info = rook.schedules.get(name)
    history = rook.schedules.history(name, limit=100 if as_json else SHOWN)
    if as_json:
        emit_json({**msgspec.structs.asdict(info), "history": history})
        return
    for key, value in _facts(info).items():
        if value:
            click.echo(f"{key:<10} {printable(value)}")
    click.echo("")
    rows = [_firing(info, each) for each in history]
    table([Column("due", whole=True), "outcome", "task", "reason"], rows, empty="It has not been due yet.")
    say_if_nobody_fires(rook, [info])


def _facts(info: ScheduleInfo) -> dict[str, Any]:
    import msgspec

    from rookery.domains.schedules.timing import duration

    return {
        "schedule": info.name,
        "when": _when(info.timing),
        "next due": _next_due(info),
        "task": info.task_type,
        "payload": msgspec.json.encode(without_blanks(info.payload)).decode(),
        "priority": str(info.priority),
        "jitter": duration(info.jitter) if info.jitter else "",
        "missed": info.missed,
        "overlap": info.overlap,
        "last fired": _local(info, info.last_fired),
        "last task": f"{info.last_task_id}, {info.last_status or 'pruned'}" if info.last_task_id else "",
        "created": f"{_local(info, info.created)}, by {info.created_by}",
    }


def _when(timing: Timing) -> str:
    from rookery.domains.schedules.timing import Cron

    return f"{timing} ({timing.in_words()})" if isinstance(timing, Cron) else str(timing)


def _firing(info: ScheduleInfo, came: FiringInfo) -> list[object]:
    due = _local(info, came.due) or f"{_local(info, came.at)} (by hand)"
    return [due, came.outcome, (came.task_id or "")[:SHOWN_ID], came.reason]


@click.command("next")
@click.argument("name", required=False)
@timing_options
@click.option("-n", "--count", default=5, show_default=True, help="How many.")
@json_option
@pass_rook
def next_(rook: Rook, name: str | None, when: When, count: int, *, as_json: bool) -> None:
    """Show the next due times.

    Those of the schedule NAME; or of one that is yet to be made, by --cron, --every or --at.
    """
    from rookery.domains.schedules.timing import local_time

    timing = timing_from(when)
    if (name is None) == (timing is None):
        raise click.UsageError("Give the name of a schedule, or one of --cron, --every and --at.")
    wanted = name if timing is None else timing
    found = rook.schedules.preview(wanted or "", count)
    if as_json:
        emit_list(found)
        return
    zone = rook.schedules.get(name).timing.zone if name else when.zone or "UTC"
    for due in found:
        click.echo(local_time(due, zone))
    if not found:
        note("It is never due again.")
