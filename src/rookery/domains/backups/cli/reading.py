"""`rookery versions`, `rookery diff`, `rookery config` and `rookery grep`."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.asking import Moment
from rookery.faces.cli.output import (
    Column,
    emit_json,
    emit_list,
    has_colour,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from datetime import datetime

    from rookery.app import Rook
    from rookery.domains.backups.diffing import Hunk, Line
    from rookery.domains.backups.reading import Compared
    from rookery.domains.backups.store import VersionInfo

COLUMNS = (
    Column("no", right=True, whole=True),
    Column("taken (utc)", whole=True),
    Column("unchanged until", whole=True, spare=True),
    Column("lines", right=True, whole=True),
    Column("+", right=True, whole=True),
    Column("-", right=True, whole=True),
    Column("by"),
)
COLOURS = {"removed": "red", "added": "green"}
SIGNS = {"same": " ", "removed": "-", "added": "+"}


@click.command("versions")
@click.argument("device")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@click.option("--before", type=click.IntRange(1), metavar="NO", help="Go on below this one.")
@json_option
@pass_rook
def versions(rook: Rook, device: str, limit: int, before: int | None, *, as_json: bool) -> None:
    """Show the versions of a device's configuration, the newest first."""
    found = rook.backups.versions(device, limit=limit, before=before)
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty="There are no others.")
    if len(found) == limit and found[-1].number > 1:
        note(f"{found[-1].number - 1} more: --before {found[-1].number}")


def _line(each: VersionInfo) -> list[object]:
    times = [f"{moment:%Y-%m-%d %H:%M}" for moment in (each.taken, each.seen)]
    return [each.number, *times, each.lines, each.added, each.removed, each.actor]


@click.command("diff")
@click.argument("device")
@click.argument("old", type=int, required=False)
@click.argument("new", type=int, required=False)
@click.option("-C", "--context", "lines", type=click.IntRange(0, 1000), default=3, show_default=True)
@click.option("-y", "--side-by-side", is_flag=True, help="Old on the left, new on the right.")
@json_option
@pass_rook
@click.pass_context
def diff(
    context: click.Context, rook: Rook, device: str, old: int | None, new: int | None, lines: int,
    *, side_by_side: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show what has changed in a configuration.

    The last change; or from version OLD on; or from OLD to NEW. Secrets stand there by names that change with
    them. Exits 0 without a difference, 1 with one.
    """
    found = rook.backups.compare(device, old, new, context=lines)
    if as_json:
        emit_json(_document(found))
    elif side_by_side:
        _show_sides(found)
    else:
        show_difference(found)
    context.exit(0 if found.difference.is_empty else 1)


def _document(found: Compared) -> dict[str, Any]:
    difference = found.difference
    return {
        "old": found.old,
        "new": found.new,
        "added": difference.added,
        "removed": difference.removed,
        "hidden": difference.hidden,
        "hunks": [_hunk_document(hunk) for hunk in difference.hunks()],
    }


def _hunk_document(hunk: Hunk) -> dict[str, Any]:
    return {**hunk._asdict(), "lines": [line._asdict() for line in hunk.lines]}


def _names(found: Compared) -> tuple[str, str]:
    old, new = (f"{each.device} version {each.number}, {each.taken:%Y-%m-%d %H:%M}" for each in found[:2])
    return old, new


def _say_what_is_hidden(found: Compared) -> None:
    if found.old.id == found.new.id:
        note(f"{found.new.device} has been backed up once: there is nothing to compare with.")
    elif found.difference.is_empty:
        old, new = _names(found)
        note(f"No difference between {old}, and {new}.")
    if found.difference.hidden:
        note(f"{found.difference.hidden} lines that change by themselves are left out.")


def show_difference(found: Compared) -> None:
    """The hunks, in colour where there is any; and what is left out."""
    if not found.difference.is_empty:
        old, new = _names(found)
        click.secho(f"--- {old}", bold=True)
        click.secho(f"+++ {new}", bold=True)
        for hunk in found.difference.hunks():
            click.secho(printable(hunk.header), fg="cyan")
            for line in hunk.lines:
                click.echo(_coloured(line))
    _say_what_is_hidden(found)


def _coloured(line: Line) -> str:
    """The line in its colour, what differs in it underlined."""
    colour = COLOURS.get(line.kind)
    parts = [click.style(SIGNS[line.kind], fg=colour)]
    at = 0
    for start, end in line.spans:
        parts.append(click.style(printable(line.text[at:start]), fg=colour))
        parts.append(click.style(printable(line.text[start:end]), fg=colour, bold=True, underline=True))
        at = end
    return "".join((*parts, click.style(printable(line.text[at:]), fg=colour)))


def _show_sides(found: Compared) -> None:
    from rookery.domains.backups.cli.sides import side_by_side

    width = shutil.get_terminal_size((160, 0)).columns
    for line in side_by_side(found.difference, width, in_colour=has_colour()):
        click.echo(line)
    _say_what_is_hidden(found)


@click.command("config")
@click.argument("device")
@click.option(
    "--version", "number", type=int, metavar="NO", help="This version; -1 is the one before the newest."
)
@click.option("--at", type=Moment(), help="As it was then.")
@click.option(
    "--reveal", "reason", metavar="REASON", help="With its secrets. That you have seen them is recorded."
)
@pass_rook
def config(rook: Rook, device: str, number: int | None, at: datetime | None, reason: str | None) -> None:
    """Print the configuration of a device, of now or of then.

    Where a secret stands, a name stands for it that changes with it.
    """
    if reason is not None:
        text = rook.backups.reveal(device, reason, number, at=at)
    else:
        text = rook.backups.text(device, number, at=at)
    click.echo("".join(f"{_shown(line)}\n" for line in text.splitlines()), nl=False)


def _shown(line: str) -> str:
    """A configuration goes into files, so it keeps its tabs; no terminal obeys the rest of it."""
    return "\t".join(printable(part) for part in line.split("\t"))


@click.command("grep")
@click.argument("regex")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@click.option("-i", "--ignore-case", is_flag=True, help="Take capital and small letters for the same.")
@click.option("-l", "--devices", "only_devices", is_flag=True, help="Only the names of the devices.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="At most so many lines.",
)
@json_option
@pass_rook
@click.pass_context
def grep(
    context: click.Context, rook: Rook, regex: str, filter_: tuple[str, ...], limit: int,
    *, ignore_case: bool, only_devices: bool, as_json: bool,
) -> None:  # fmt: skip
    """Look for something in all current configurations.

    REGEX is one of RE2; FILTER chooses devices. Secrets are not looked at. Exits 1 when nothing is found.
    """
    found = rook.backups.grep(f"(?i){regex}" if ignore_case else regex, " ".join(filter_), most=limit)
    if as_json:
        emit_list([hit._asdict() for hit in found])
    elif only_devices:
        for name in dict.fromkeys(hit.device for hit in found):
            click.echo(printable(name))
    else:
        for hit in found:
            click.echo(f"{printable(hit.device)}:{hit.number}: {_marked(hit.line, regex, ignore_case)}")
    if len(found) == limit:
        note(f"There may be more: --limit {10 * limit}")
    context.exit(0 if found else 1)


def _marked(line: str, regex: str, ignore_case: bool) -> str:
    """The line, what was found in it in bold; a regex that only RE2 understands marks nothing."""
    try:
        wanted = re.compile(regex, re.IGNORECASE if ignore_case else 0)
    except re.error:
        return printable(line)
    parts, at = [], 0
    for match in wanted.finditer(line[:1000]):
        parts += [printable(line[at : match.start()]), click.style(printable(match[0]), fg="red", bold=True)]
        at = match.end()
    return "".join((*parts, printable(line[at:])))
