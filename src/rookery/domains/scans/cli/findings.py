"""`rookery findings import` and `retest`: runs, which faces/cli/main.py adds to the group of findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.domains.findings.cli.deciding import choosing
from rookery.domains.templates.options import Words
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook, printable

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.scans.service.retesting import Retested

FORMATS = ("nuclei", "sarif")
PARTLY_FAILED = 4


@click.command("import")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="What it is; else its beginning says so."
)
@click.option("--project", default="default", show_default=True, help="The project of its findings.")
@json_option
@pass_rook
def import_(rook: Rook, path: Path, format_: str | None, project: str, *, as_json: bool) -> None:
    """Import what other tools found: nuclei's JSON lines (version 2 or 3), or SARIF 2.1.0.

    Triage survives: what is dismissed stays so. The same file again changes nothing but when its findings
    were seen last. Exits with 4 when some lines could not be read.
    """
    imported = rook.scans.import_findings(path, format_=format_, project_id=project)
    if as_json:
        emit_json(imported)
    else:
        for message in imported.messages:
            note(f"warning: {printable(message)}")
        again = ", which was imported before" if imported.again else ""
        note(f"{printable(path)}{again}: {imported.records} result(s), {imported.new} new finding(s).")
    click.get_current_context().exit(PARTLY_FAILED if imported.bad else 0)


@click.command("retest")
@click.option(
    "-t",
    "--templates",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="Where their templates are, if they are not among those installed.",
)
@click.option(
    "--include-tags",
    "--itags",
    type=Words(),
    multiple=True,
    metavar="TAG,…",
    help="Let in templates that are left out by default: bruteforce, dos, fuzz, intrusive.",
)
@click.option("--engine", default="embedded", show_default=True, help="The tool that checks.")
@choosing
def retest(
    rook: Rook,
    chosen: str,
    *,
    templates: tuple[Path, ...],
    include_tags: tuple[tuple[str, ...], ...],
    engine: str,
    as_json: bool,
) -> None:
    """Check findings again: their templates, on their targets, within the scope.

    What is not seen any more is fixed; what cannot be checked stays as it is, and the exit status is 4.
    """
    tags = tuple(tag for given in include_tags for tag in given)
    done = rook.scans.retest(chosen, templates=templates, include_tags=tags, engine=engine)
    emit_json(done) if as_json else _say(done)
    is_whole = not done.unknown and all(run.success and not run.error_count for run in done.runs)
    click.get_current_context().exit(0 if is_whole else PARTLY_FAILED)


def _say(done: Retested) -> None:
    note(f"{done.chosen} finding(s): {done.seen} seen again, {done.fixed} fixed.")
    for message in dict.fromkeys(message for run in done.runs for message in run.errors):
        note(f"error: {printable(message)}")
    if done.unknown:
        note(f"Not checked, for no such template is here: {', '.join(done.unknown)}. Say where with -t.")
