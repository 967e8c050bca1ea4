"""`rookery history`: Git repositories, read and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import Column, emit_json, emit_list, json_option, note, pass_rook, table
from rookery.faces.cli.statusline import progress

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.backups.git.importing import Imported

COLUMNS = (
    Column("file"),
    Column("device"),
    Column("versions", right=True, whole=True),
    Column("from", whole=True, spare=True),
    Column("to", whole=True, spare=True),
    Column("why not"),
)


@click.group("history")
def history() -> None:
    """Versions of configurations in Git repositories."""


@history.command("import")
@click.argument("repository", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show what would be taken over.")
@json_option
@pass_rook
def import_(rook: Rook, repository: Path, *, dry_run: bool, as_json: bool) -> None:
    """Take over the history that Oxidized, RANCID or another has kept in Git.

    A file is the history of the device of its name, or address. What is there already is not taken again;
    devices that have other versions, or were backed up since, are left alone.
    """
    with progress() as show:
        found = rook.backups.import_history(
            repository, dry_run=dry_run,
            on_step=lambda step: show(step.done, step.total, f"{step.done} of {step.total} {step.doing}"),
        )  # fmt: skip
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty="There is nothing in it.")
    versions = sum(each.versions for each in found)
    note(
        f"{'Would be taken' if dry_run else 'Taken'} over: versions: {versions}, "
        f"devices: {sum(each.versions > 0 for each in found)}."
    )


def _line(each: Imported) -> list[object]:
    times = [f"{moment:%Y-%m-%d}" if moment else "" for moment in (each.first, each.last)]
    return [each.path, each.device, each.versions, *times, each.reason]


@history.command("mirror")
@json_option
@pass_rook
def mirror(rook: Rook, *, as_json: bool) -> None:
    """Bring the Git mirror (`backups.mirror`) up to date now, which else happens beside each backup."""
    done = rook.backups.mirror()
    if as_json:
        emit_json({"commits": done})
        return
    note(f"Brought into the mirror: commits: {done}." if done else "The mirror is up to date.")
