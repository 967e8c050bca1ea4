"""What the commands take that make and change schedules: when, what and with what manners."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rookery.domains.templates.options import NAMES as SELECTION
from rookery.domains.templates.options import selection_options
from rookery.faces.cli.asking import Duration

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.scans.plan import ScanPlan
    from rookery.domains.schedules.timing import Timing

LARGEST_PAYLOAD = 1 << 20  # characters
ONE_OF_THESE = "Give --backup, --reach, --check, a scan, or a --task: one of these."

SECTIONS = {
    "When": ("cron", "every", "at", "zone"),
    "What": ("backup", "reach", "check", "scan", "project", "engine", "task", "payload"),
    "Which templates (of a scan or check)": SELECTION,
    "How": ("jitter", "missed", "overlap", "priority", "disabled"),
}


class When(NamedTuple):
    """When it is to be due, as far as that is said."""

    cron: str | None
    every: int | None
    at: datetime | None
    zone: str | None


class What(NamedTuple):
    """What it is to do, as far as that is said: backups, logins, checks, a scan, or any task."""

    backup: str | None
    reach: str | None
    check: str | None
    task: str | None
    payload: Any
    scan: tuple[str, ...]
    project: str | None
    engine: str | None


class LocalTime(click.ParamType[datetime]):
    """A date and time; without an offset, those of the schedule's zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """A datetime, aware when it has an offset."""
        try:
            return datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-12-01T03:00", param, ctx)


class Json(click.ParamType[Any]):
    """JSON, as it stands or from @FILE; - is standard input."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What the JSON says."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(self._text(value))
        except OSError as error:
            self.fail(f"{value[1:]} cannot be read: {error.strerror}", param, ctx)
        except ValueError as error:
            self.fail(f"that is no JSON: {error}", param, ctx)

    def _text(self, value: str) -> str:
        if value == "-":
            return sys.stdin.read(LARGEST_PAYLOAD)
        if not value.startswith("@"):
            return value
        with Path(value[1:]).open(encoding="utf-8") as file:
            return file.read(LARGEST_PAYLOAD)


TIMING = (
    click.option(
        "--cron", metavar="LINE", help="By a cron line: minute hour day-of-month month day-of-week."
    ),
    click.option("--every", type=Duration(), help="At an interval: 30s, 15m, 6h, 1d, 1h30m."),
    click.option("--at", type=LocalTime(), help="Once: 2026-12-01T03:00, in the zone below."),
    click.option("--zone", metavar="NAME", help="Time zone of these, e.g. Europe/Berlin; UTC unless given."),
)
WORK = (
    click.option("--backup", metavar="FILTER", help="Back up the devices that FILTER chooses; '' is all."),
    click.option("--reach", metavar="FILTER", help="Log in on these devices, to see which ones answer."),
    click.option("--check", metavar="FILTER", help="Check the stored configurations of these devices."),
    click.option("--scan", multiple=True, metavar="TARGET", help="Scan this; may be repeated."),
    click.option(
        "--project", metavar="NAME", help="Scan for this project; without a target, what it has by then."
    ),
    click.option("--engine", metavar="TOOL", help="What runs the scan; embedded unless given."),
    click.option("--task", metavar="TYPE", help="Any type of task, instead of a scan."),
    click.option("--payload", type=Json(), metavar="JSON|@FILE", help="What that task is given."),
)
MANNERS = (
    click.option("--jitter", type=Duration(), help="Start after a random part of this, e.g. 5m."),
    click.option(
        "--missed",
        type=click.Choice(["skip", "once", "all"]),
        help="When no worker ran: skip it, make up for it once (the default), or for all of it.",
    ),
    click.option(
        "--overlap",
        type=click.Choice(["skip", "allow"]),
        help="While its last task has not ended: skip it (the default), or fire all the same.",
    ),
    click.option("--priority", type=click.IntRange(0, 9), help="0 is done first, 9 last; 5 unless given."),
)


def timing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say when; the command gets `when`."""
    return _gathered(command, TIMING, When, "when")


def work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what; the command gets `what`, and `templates` and `selector`."""
    return _gathered(selection_options(command), WORK, What, "what")


def manner_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how; the command gets them by their names, None for what is not said."""
    for option in reversed(MANNERS):
        command = option(command)
    return command


def _gathered(
    command: Callable[..., Any], options: Sequence[Any], kind: type[Any], name: str
) -> Callable[..., Any]:
    def gathering(*args: Any, **kwargs: Any) -> Any:
        values = kind(**{field: kwargs.pop(field) for field in kind._fields})
        return command(*args, **{name: values}, **kwargs)

    update_wrapper(gathering, command)
    for option in reversed(options):
        gathering = option(gathering)
    return gathering


def timing_from(when: When, *, zone: str = "UTC") -> Timing | None:
    """The timing that is asked for, if one is; `zone` is that of what is changed."""
    from rookery.domains.schedules.timing import Cron, Every, Once, moment

    if sum(each is not None for each in (when.cron, when.every, when.at)) > 1:
        raise click.UsageError("--cron, --every and --at exclude each other.")
    zone = when.zone or zone
    if when.cron is not None:
        return Cron(when.cron, zone)
    if when.every is not None:
        return Every(when.every, zone=zone)
    return None if when.at is None else Once(moment(when.at, zone), zone)


def work_from(rook: Rook, what: What, **choice: Any) -> tuple[str | None, Any]:
    """The type of task and the payload that are asked for, as far as they are."""
    if what.backup is not None or what.reach is not None:
        return _device_work_from(what, choice)
    if what.check is not None:
        return _check_from(rook, what, choice)
    is_scan = bool(what.scan or what.project)
    if not is_scan:
        _refuse_scans_options(what, choice)
        return what.task, what.payload
    if what.task or what.payload is not None:
        raise click.UsageError("Give a scan or a --task with its --payload, not both.")
    from rookery.domains.scans.service.queueing import RUN

    return RUN, _plan_of(rook, what, choice, what.scan)


def _check_from(rook: Rook, what: What, choice: dict[str, Any]) -> tuple[str, Any]:
    from rookery.domains.scans.service.checking import CHECK

    if what.scan or what.project or what.engine or what.task or what.payload is not None:
        raise click.UsageError(ONE_OF_THESE)
    return CHECK, _plan_of(rook, what, choice, (f"device:{what.check or '*'}",))


def _plan_of(rook: Rook, what: What, choice: dict[str, Any], endpoints: tuple[str, ...]) -> ScanPlan:
    from rookery.domains.scans.plan import EMBEDDED, ScanPlan

    plan = ScanPlan(
        endpoints=endpoints,
        project_id=what.project or "default",
        engine=what.engine or EMBEDDED,
        templates=choice["templates"],
        selection=choice["selector"],
    )
    return rook.schedules.lasting_plan(plan)


def _device_work_from(what: What, choice: dict[str, Any]) -> tuple[str, Any]:
    from rookery.domains.backups.tasks import REACH_ALL, RUN

    is_other = bool(what.scan or what.project or what.task or what.payload is not None)
    if is_other or what.check is not None or None not in (what.backup, what.reach):
        raise click.UsageError(ONE_OF_THESE)
    _refuse_scans_options(what, choice)
    return (REACH_ALL, {"filter": what.reach}) if what.backup is None else (RUN, {"filter": what.backup})


def _refuse_scans_options(what: What, choice: dict[str, Any]) -> None:
    from rookery.domains.templates.rules import Selector

    if what.engine or choice["templates"] or choice["selector"] != Selector():
        raise click.UsageError("Templates and --engine are those of a scan: give --scan or --project, too.")
