"""`rookery notifications rules list|show|add|update|remove`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.asking import Duration, agreed
from rookery.faces.cli.output import (
    Column,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.notifications.document import RuleInfo

NONE_YET = "No rules yet. Make one: rookery notifications rules add changes --on backup.changed --to ops"
COLUMNS = (
    Column("name", whole=True),
    Column("on"),
    Column("at least", whole=True),
    Column("to"),
    Column("when"),
    Column("enabled", whole=True),
)
WORDS = ("info", "low", "medium", "high", "critical")
PARTS = (
    click.option("--on", "kinds", multiple=True, metavar="KIND", help="What: see `kinds`; may be repeated."),
    click.option("--to", "channels", multiple=True, metavar="CHANNEL", help="Over what; may be repeated."),
    click.option("--severity", type=click.Choice(WORDS), help="At least so bad."),
    click.option(
        "--subject", "subjects", multiple=True, metavar="PATTERN",
        help="Only of devices, projects or types of tasks such as core-*; may be repeated.",
    ),
    click.option(
        "--quiet-hours", "quiet", metavar="FROM-TO", help="Hold it back, 22:00-07:00 each day; none: never."
    ),
    click.option("--zone", metavar="ZONE", help="The time zone of --quiet-hours; UTC unless given."),
    click.option(
        "--breaks/--keeps-quiet", default=None, help="Whether what is critical breaks quiet hours; it does."
    ),
    click.option("--digest", type=Duration(), help="One message every 1d, 6h or 30m; 0s: at once."),
    click.option("--collapse", type=Duration(), help="The same within 10m becomes one, counted; 0s: never."),
)  # fmt: skip


def part_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a rule consists of."""
    for option in reversed(PARTS):
        command = option(command)
    return command


@click.group("rules")
def rules() -> None:
    """What is told, over which channels, and when."""


@rules.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show rules."""
    found = rook.notifications.list_rules()
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty=NONE_YET)


def _line(each: RuleInfo) -> list[object]:
    return [
        each.name, ", ".join(each.kinds), each.severity, ", ".join(each.channels), _when(each),
        "yes" if each.is_enabled else "no",
    ]  # fmt: skip


def _when(each: RuleInfo) -> str:
    from rookery.domains.schedules.timing import duration

    said = [f"every {duration(each.digest)}" if each.digest else "at once"]
    if each.quiet is not None:
        said.append(f"quiet {each.quiet.start} to {each.quiet.end} {each.quiet.zone}")
    return ", ".join(said)


@rules.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show all about one rule."""
    from rookery.domains.schedules.timing import duration

    each = rook.notifications.get_rule(name)
    if as_json:
        emit_json(each)
        return
    lines = [
        ("name", each.name), ("id", each.id), ("on", ", ".join(each.kinds)), ("at least", each.severity),
        ("subjects", ", ".join(each.subjects) or "all"), ("to", ", ".join(each.channels)),
        ("when", _when(each)), ("collapse", duration(each.collapse)),
        ("enabled", "yes" if each.is_enabled else "no"),
        ("added", f"{each.created:%Y-%m-%d %H:%M} by {each.created_by}"),
    ]  # fmt: skip
    for title, value in lines:
        click.echo(f"{title:<9} {printable(value)}")


@rules.command("add")
@click.argument("name")
@part_options
@json_option
@pass_rook
def add(rook: Rook, /, name: str, *, as_json: bool, **parts: Any) -> None:
    """Have something told.

    For example: rookery notifications rules add nights --on finding.new --severity high --to ops
    --quiet-hours 22:00-07:00 --zone Europe/Berlin
    """
    said = _said(parts)
    if not (said.get("kinds") and said.get("channels")):
        raise click.UsageError("Say what is told, and where: --on KIND --to CHANNEL.")
    _show(rook.notifications.create_rule(name, **said), as_json=as_json)


@rules.command("update")
@click.argument("name")
@click.option("--rename", metavar="NAME", help="Another name.")
@click.option("--enable/--disable", "is_enabled", default=None, help="Whether it tells anything.")
@part_options
@json_option
@pass_rook
def update(
    rook: Rook, /, name: str, rename: str | None, *, is_enabled: bool | None, as_json: bool, **parts: Any
) -> None:
    """Change a rule.

    What is not given stays as it is.
    """
    own = {"name": rename, "is_enabled": is_enabled}
    changes = _said(parts) | {key: value for key, value in own.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what is to change: see --help.")
    _show(rook.notifications.update_rule(name, **changes), as_json=as_json)


@rules.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def remove(rook: Rook, name: str, *, yes: bool) -> None:
    """Delete a rule, and what waits to be told for it."""
    found = rook.notifications.get_rule(name)
    agreed(yes, f"Delete {found.name}?")
    rook.notifications.delete_rule(found.id)
    note(f"{found.name} is deleted.")


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    """What was given, quiet hours as one."""
    quiet, zone, breaks = (parts.pop(name) for name in ("quiet", "zone", "breaks"))
    said = {name: value for name, value in parts.items() if value is not None and value != ()}
    if quiet is None:
        if zone is not None or breaks is not None:
            raise click.UsageError("--zone, --breaks and --keeps-quiet go with --quiet-hours.")
        return said
    return said | {"quiet": _quiet(quiet, zone or "UTC", breaks=breaks is not False)}


def _quiet(text: str, zone: str, *, breaks: bool) -> Any:
    from rookery.domains.notifications.rules import Quiet

    if text == "none":
        return None
    start, dash, end = text.partition("-")
    if not dash:
        raise click.UsageError(f"{text!r}: write quiet hours as 22:00-07:00, or none.")
    return Quiet(start=start.strip(), end=end.strip(), zone=zone, breaks=breaks)


def _show(info: RuleInfo, *, as_json: bool) -> None:
    if as_json:
        emit_json(info)
        return
    note(f"{info.name}: {', '.join(info.kinds)} to {', '.join(info.channels)}, {_when(info)}.")
