"""`rookery devices import|export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import Column, Styled, emit_json, json_option, note, pass_rook, table

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.devices.exchange import Change, ImportOutcome

READ = ("csv", "json", "oxidized", "rancid", "ansible", "netbox")
WRITTEN = ("csv", "json", "oxidized", "rancid")
SHOWN = 50
COLUMNS = (Column("what", whole=True), "device", "which", Column("where", spare=True))
STYLES = {"create": "green", "update": "yellow", "refuse": "bold red"}
WORDS = {"create": "to add", "update": "to change", "unchanged": "unchanged", "refuse": "refused"}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, exists=True, dir_okay=False))
@click.option("--format", "format_", type=click.Choice(READ), help="Seen from the file unless given.")
@click.option("--platform", metavar="NAME", help="Of devices of which the file says nothing.")
@click.option("--site", metavar="TEXT", help="Of devices of which the file says nothing.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_rook
@click.pass_context
def import_(
    context: click.Context,
    rook: Rook,
    /,
    file: Path,
    format_: str | None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **defaults: Any,
) -> None:
    """Add and change the devices of FILE; - is standard input.

    CSV, JSON, router.db of Oxidized or RANCID, an Ansible inventory or NetBox's JSON. What would change is
    shown first. Exits 1 when a device was refused.
    """
    from rookery.domains.devices.formats import guess

    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8", errors="replace")
    form = format_ or guess(file.name, text)
    said = {name: value for name, value in defaults.items() if value is not None}
    outcome = rook.devices.preview_import(text, form, **said)
    if not as_json:
        _show(outcome)
    if not dry_run and outcome.count("create") + outcome.count("update"):
        agreed(yes, "Do that?")
        outcome = rook.devices.import_(text, form, **said)
        note(f"Done: {outcome.count('create')} added, {outcome.count('update')} changed.")
    if as_json:
        emit_json(outcome)
    context.exit(1 if outcome.count("refuse") else 0)


def _show(outcome: ImportOutcome) -> None:
    shown = [change for change in outcome.changes if change.what != "unchanged"]
    if shown:
        table(COLUMNS, map(_line, shown[:SHOWN]))
    if len(shown) > SHOWN:
        note(f"… and {len(shown) - SHOWN} more: --json tells all.")
    counted = [f"{outcome.count(what)} {word}" for what, word in WORDS.items() if outcome.count(what)]
    note(", ".join(counted) or "There are no devices in it.")
    if outcome.ignored:
        note(f"Left out, for nothing here is called so: {', '.join(outcome.ignored)}.")


@click.command("export")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@click.option("--format", "format_", type=click.Choice(WRITTEN), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@pass_rook
def export(rook: Rook, filter_: tuple[str, ...], format_: str, output: Path | None) -> None:
    """Write devices down, as import reads them."""
    text = rook.devices.export(format_, " ".join(filter_))
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    note(f"{output} is written.")


def _line(change: Change) -> list[object]:
    which = ", ".join(change.changed) or change.reason
    return [Styled(change.what, STYLES[change.what]), change.name, which, change.place]
