"""`rookery schedules add|update|enable|disable|remove|run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rookery.domains.schedules.cli.options import (
    SECTIONS,
    What,
    When,
    manner_options,
    timing_from,
    timing_options,
    work_from,
    work_options,
)
from rookery.domains.schedules.cli.reading import say_when_due
from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook
from rookery.faces.cli.sections import SectionedCommand

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.schedules.document import ScheduleInfo

NO_TIMING = "Say when it is due: --cron '0 3 * * *', --every 6h or --at 2026-12-01T03:00."
NO_WORK = (
    "Say what it does: --backup, --reach or --check FILTER, --scan URL, --project NAME, or --task TYPE with "
    "--payload."
)


@click.command("add", cls=SectionedCommand, sections=SECTIONS)
@click.argument("name")
@timing_options
@work_options
@manner_options
@click.option("--disabled", is_flag=True, help="Do not fire before it is enabled.")
@json_option
@pass_rook
def add(
    rook: Rook,
    /,
    *,
    name: str,
    when: When,
    what: What,
    templates: Any,
    selector: Any,
    disabled: bool,
    as_json: bool,
    **manners: Any,
) -> None:
    """Make a schedule.

    Its task is submitted whenever it is due, by whichever worker runs then. For example: rookery schedules
    add nightly --cron "0 3 * * *" --zone Europe/Berlin --scan http://127.0.0.1
    """
    timing = timing_from(when)
    if timing is None:
        raise click.UsageError(NO_TIMING)
    task_type, payload = work_from(rook, what, templates=templates, selector=selector)
    if task_type is None:
        raise click.UsageError(NO_WORK)
    made = rook.schedules.create(name, timing, task_type, payload, enabled=not disabled, **_said(manners))
    _show(rook, made, as_json=as_json)


@click.command("update", cls=SectionedCommand, sections=SECTIONS)
@click.argument("name")
@timing_options
@work_options
@manner_options
@json_option
@pass_rook
def update(
    rook: Rook,
    /,
    *,
    name: str,
    when: When,
    what: What,
    templates: Any,
    selector: Any,
    as_json: bool,
    **manners: Any,
) -> None:
    """Change a schedule.

    What is not given stays as it is. A scan is given anew, with all its options.
    """
    from msgspec.structs import replace

    before = rook.schedules.get(name).timing
    timing = timing_from(when, zone=before.zone)
    if timing is None and when.zone:
        timing = replace(before, zone=when.zone)
    task_type, payload = work_from(rook, what, templates=templates, selector=selector)
    changes = _said({"timing": timing, "task_type": task_type, "payload": payload, **manners})
    if not changes:
        raise click.UsageError("Say what is to change: rookery schedules update --help lists what can.")
    _show(rook, rook.schedules.update(name, **changes), as_json=as_json)


def _said(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _show(rook: Rook, info: ScheduleInfo, *, as_json: bool) -> None:
    if as_json:
        emit_json(info)
    say_when_due(rook, info)


@click.command("enable")
@click.argument("name")
@pass_rook
def enable(rook: Rook, name: str) -> None:
    """Have a schedule fire from now on."""
    say_when_due(rook, rook.schedules.enable(name))


@click.command("disable")
@click.argument("name")
@pass_rook
def disable(rook: Rook, name: str) -> None:
    """Have a schedule not fire until it is enabled.

    What it has submitted goes on.
    """
    rook.schedules.disable(name)
    note(f"{name} does not fire until: rookery schedules enable {name}")


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def remove(rook: Rook, name: str, *, yes: bool) -> None:
    """Delete a schedule and its history.

    What it has submitted goes on.
    """
    rook.schedules.get(name)
    agreed(yes, f"Delete the schedule {name} and its history for good?")
    rook.schedules.delete(name)
    note(f"Schedule {name} is deleted.")


@click.command("run")
@click.argument("name")
@json_option
@pass_rook
def run(rook: Rook, name: str, *, as_json: bool) -> None:
    """Submit the task of a schedule now.

    Whether it is enabled or not; and it stays due when it was.
    """
    task_id = rook.schedules.run_now(name)
    if as_json:
        emit_json({"task_id": task_id})
        return
    click.echo(task_id)
