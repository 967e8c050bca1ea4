"""`rookery templates`."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.templates.options import selection_options
from rookery.faces.cli.output import (
    Column,
    Styled,
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
    from rookery.domains.scans.trial import Step
    from rookery.domains.templates.rules import Selector
    from rookery.domains.templates.survey import Stats
    from rookery.domains.templates.sync import Synced

STYLES = {"runs": "green", "unsupported": "yellow", "invalid": "bold red"}
SHOWN_ROWS = 12  # of a table in the statistics, and of changed files
INVALID = NO_MATCH = 1
SHOWN_LINES, LONGEST_LINE = 20, 400  # of a request or answer


@click.group()
def templates() -> None:
    """The checks: which there are, what they do, and whether they run."""


@templates.command("list")
@selection_options
@json_option
@pass_rook
def list_(rook: Rook, templates: tuple[Path, ...], selector: Selector, *, as_json: bool) -> None:
    """Show what a scan with the same options would run, and count what it would leave out."""
    found = rook.templates.list(selector, templates=templates)
    if as_json:
        emit_json({"items": found.templates, "next": None, "skipped": found.skipped})
        return
    table(
        [Column("id", whole=True), Column("severity", whole=True), "protocol", Column("name", cut=True)],
        [(each.id, each.severity, ", ".join(each.protocols), each.name) for each in found.templates],
        empty="No template fits.",
    )
    note(f"{len(found.templates)} chosen, {sum(found.skipped.values())} left out.")
    for reason, count in islice(found.skipped.items(), SHOWN_ROWS):
        note(f"Left out: {count} × {printable(reason)}")
    for warning in found.warnings:
        note(f"Warning: {warning}")


@templates.command("show")
@click.argument("name", metavar="ID|FILE")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show one template: what it is about, what it sends and looks for, whether it runs, who signed it."""
    from rookery.domains.templates.describing import described

    shown = rook.templates.show(name)
    if as_json:
        emit_json(shown)
        return
    for line in described(shown):
        click.echo(printable(line))


@templates.command("validate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
@json_option
@pass_rook
def validate(rook: Rook, paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Say of every file whether it runs, is not supported (why) or is wrong (where).

    Exits with 1 when one is wrong.
    """
    files = rook.templates.validate(paths)
    if as_json:
        emit_list(files)
    else:
        columns = [Column("verdict", whole=True), Column("file"), Column("why")]
        rows = [
            (Styled(file.verdict, STYLES[file.verdict]), _placed(file.path, file.line), _why(file))
            for file in files
        ]
        table(columns, rows, empty="There is no template (*.yaml) in what was given.")
        note(_verdicts(Counter(file.verdict for file in files)))
    is_wrong = any(file.verdict == "invalid" for file in files)
    click.get_current_context().exit(INVALID if is_wrong else 0)


def _placed(path: str, line: int) -> str:
    return f"{path}:{line}" if line else path


def _why(file: Any) -> str:
    return file.reason or "; ".join(f"warning: {warning}" for warning in file.warnings)


def _verdicts(counts: Counter[str]) -> str:
    return (
        f"{counts.total()} files: {counts['runs']} run, {counts['unsupported']} unsupported, "
        f"{counts['invalid']} invalid."
    )


@templates.command("stats")
@click.argument("paths", nargs=-1, metavar="[PATH…]", type=click.Path(path_type=Path))
@json_option
@pass_rook
def stats(rook: Rook, paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Count the installed templates, or those in files and folders: by protocol, severity, tag, verdict."""
    counted = rook.templates.stats(paths)
    if as_json:
        emit_json(counted)
        return
    click.echo(
        f"{counted.files} files: {counted.runs} run ({counted.runs_percent} % of the sound ones), "
        f"{counted.unsupported} unsupported, {counted.invalid} invalid."
    )
    if counted.excluded_by_default:
        click.echo(f"{counted.excluded_by_default} of those that run are excluded unless asked for.")
    _tables(counted)


def _tables(counted: Stats) -> None:
    for title in ("protocols", "severities", "tags", "reasons", "signatures"):
        rows = list(getattr(counted, title).items())
        if rows:
            click.echo()
            columns = [Column("files", right=True), Column(title)]
            table(columns, [(count, word) for word, count in rows[:SHOWN_ROWS]])
        if len(rows) > SHOWN_ROWS:
            note(f"… and {len(rows) - SHOWN_ROWS} more {title}, which --json lists")


@templates.command("test")
@click.argument("name", metavar="ID|FILE")
@click.option("--against", "target", required=True, metavar="TARGET", help="It must be in the scope.")
@json_option
@pass_rook
def test(rook: Rook, name: str, target: str, *, as_json: bool) -> None:
    """Run one template on one target; show each request, answer, and what every matcher makes of it.

    Nothing is kept. Exits with 0 when it matches, with 1 when it does not.
    """
    trial = rook.scans.try_template(name, target)
    if as_json:
        emit_json(trial)
    else:
        for step in trial.steps:
            _show_step(step)
        for reason in trial.unsent:
            note(f"Not sent: {printable(reason)}")
        for result in trial.results:
            click.echo(f"match {printable(result)}")
        verdict = "matches" if trial.matched else "does not match"
        note(f"{printable(trial.template)} {verdict} {printable(trial.target)}.")
    click.get_current_context().exit(0 if trial.matched else NO_MATCH)


def _show_step(step: Step) -> None:
    if step.holds is not None:
        click.echo(f"  {'yes' if step.holds else 'no ':<3}  {printable(step.text)}")
        return
    click.echo(f"{step.kind}:")
    for line in step.text.splitlines()[:SHOWN_LINES]:
        click.echo(f"  | {printable(line[:LONGEST_LINE])}")
    if len(step.text.splitlines()) > SHOWN_LINES:
        click.echo("  | …")


@templates.command("sync")
@click.argument("source", required=False, type=click.Path(path_type=Path), metavar="FOLDER|ARCHIVE")
@click.option("--rollback", is_flag=True, help="Take the set that was installed before, instead.")
@json_option
@pass_rook
def sync(rook: Rook, source: Path | None, *, rollback: bool, as_json: bool) -> None:
    """Install the templates of a folder, git checkout or archive (zip, tar) in place of those before.

    They are copied into the data directory, where scans find them beside the shipped ones.
    """
    if rollback == (source is not None):
        raise click.UsageError("Give a FOLDER or ARCHIVE, or --rollback.")
    synced = rook.templates.roll_back() if source is None else rook.templates.sync(source.absolute())
    if as_json:
        emit_json(synced)
        return
    _say(synced)


def _say(synced: Synced) -> None:
    for word in ("added", "changed", "removed"):
        paths = getattr(synced, word)
        if len(paths) <= SHOWN_ROWS:
            for path in paths:
                click.echo(f"{word:<8} {printable(path)}")
    note(
        f"{synced.templates} templates are installed: {len(synced.added)} added, "
        f"{len(synced.changed)} changed, {len(synced.removed)} removed."
    )
