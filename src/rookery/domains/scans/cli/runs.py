"""`rookery runs`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.templates.options import SEVERITIES
from rookery.faces.cli.asking import Moment, agreed
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
)

if TYPE_CHECKING:
    from rookery.app import Rook

STATUSES = ("running", "completed", "partial", "interrupted", "failed", "abandoned")
SHOWN = 20  # lines of each kind
RESUMABLE = ("partial", "interrupted", "failed", "abandoned")


@click.group()
def runs() -> None:
    """What was scanned, when, how far it came, and what it left behind."""


@runs.command("list")
@click.option("--project", metavar="NAME", help="Only runs of this project.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs that are, or ended, like this.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@json_option
@pass_rook
def list_(rook: Rook, project: str | None, status: str | None, limit: int, *, as_json: bool) -> None:
    """Show the latest runs."""
    from rookery.domains.scans.document import run_document

    rows = [run_document(run) for run in rook.scans.runs(project_id=project, status=status, limit=limit)]
    if as_json:
        emit_list(rows)
        return
    columns = [Column("id", whole=True), Column("status", whole=True), Column("started (utc)", whole=True)]
    figures = [
        Column(title, right=True, whole=True) for title in ("targets", "templates", "findings", "took")
    ]
    empty = "No run fits." if project or status else "Nothing has been scanned yet: rookery scan URL"
    table([*columns, *figures], [_line(row) for row in rows], empty=empty)


def _line(row: dict[str, Any]) -> list[object]:
    started = row["started"][:16].replace("T", " ")
    figures = [len(row["targets"]), row["template_count"], row["findings"], took(row["duration_ms"])]
    return [row["id"][:SHOWN_ID], row["status"], started, *figures]


@runs.command("show")
@click.argument("run_id", metavar="RUN")
@click.option("--target", metavar="TARGET", help="Which templates ended how on this target.")
@json_option
@pass_rook
def show(rook: Rook, run_id: str, target: str | None, *, as_json: bool) -> None:
    """Show one run: what it was asked, covered and left out. The beginning of its id will do."""
    from rookery.domains.scans.document import run_document

    run = rook.scans.run(run_id)
    if target is not None:
        _show_target(rook, run.id, target.rstrip("/"), as_json=as_json)
        return
    document = {**run_document(run), "coverage": _coverage(rook, run.id)}
    if as_json:
        emit_json(document)
        return
    _facts(document)
    _reasons(document)
    _covered(document["coverage"])
    if document["status"] in RESUMABLE:
        note(f"Run what is left: rookery scan --resume {run.id[:SHOWN_ID]}")


def _coverage(rook: Rook, run_id: str) -> list[dict[str, Any]]:
    counts, checks = rook.scans.coverage_counts(run_id), len(rook.scans.template_ids(run_id))
    return [
        {"target": target, "ok": ok, "error": error, "skipped": skipped,
         "not_run": checks - ok - error - skipped}
        for target, (ok, error, skipped) in counts.items()
    ]  # fmt: skip


def _facts(row: dict[str, Any]) -> None:
    engine = f"{row['engine']} {row['engine_version']}".rstrip()
    counts = row["severities"]
    severities = ", ".join(f"{counts[word]} {word}" for word in reversed(SEVERITIES) if word in counts)
    facts = {
        "run": row["id"],
        "status": row["status"],
        "project": row["project_id"],
        "by": row["actor"],
        "task": row["task_id"],
        "engine": engine,
        "started": row["started"],
        "finished": row["finished"],
        "took": took(row["duration_ms"]),
        "targets": f"{len(row['targets'])}, {row['unreached']} of them without an answer",
        "templates": f"{row['template_count']} run, {sum(row['skipped'].values())} left out",
        "requests": row["requests"],
        "findings": f"{row['findings']}{f' ({severities})' if severities else ''}",
        "errors": row["errors"],
        "no success": row["trouble"] or None,
    }
    for name, value in facts.items():
        if value is not None:
            click.echo(f"{name:<10} {printable(value)}")


def _reasons(row: dict[str, Any]) -> None:
    lines = [f"left out   {count} × {reason}" for reason, count in row["skipped"].items()]
    _some(lines, "reasons")
    _some([f"error      {message}" for message in row["messages"]], "errors")


def _covered(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    click.echo("")
    figures = [Column(title, right=True, whole=True) for title in ("ok", "error", "skipped", "not run")]
    cells = [[row["target"], row["ok"], row["error"], row["skipped"], row["not_run"]] for row in rows[:SHOWN]]
    table([Column("target covered"), *figures], cells)
    if len(rows) > SHOWN:
        note(f"… and {len(rows) - SHOWN} more targets, which --json lists")


def _some(lines: list[str], what: str) -> None:
    for line in lines[:SHOWN]:
        click.echo(printable(line))
    if len(lines) > SHOWN:
        note(f"… and {len(lines) - SHOWN} more {what}, which --json lists")


def _show_target(rook: Rook, run_id: str, target: str, *, as_json: bool) -> None:
    from rookery.domains.scans.coverage import ids_by_outcome
    from rookery.domains.scans.errors import TargetNotCovered

    found = rook.scans.coverage(run_id, target=target)
    if target not in found:
        raise TargetNotCovered(f"{target} is no target of this run. `rookery runs show {run_id}` lists them.")
    outcomes = ids_by_outcome(rook.scans.template_ids(run_id), found[target])
    if as_json:
        emit_json(
            {
                "run_id": run_id,
                "target": target,
                **{key.replace(" ", "_"): ids for key, ids in outcomes.items()},
            }
        )
        return
    table(["template", "ended"], [(id_, word) for word, ids in outcomes.items() for id_ in ids])


@runs.command("artifacts")
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="[FILE]", required=False)
@output_option
@json_option
@pass_rook
def artifacts(rook: Rook, run_id: str, name: str | None, output: Path | None, *, as_json: bool) -> None:
    """List the files of one run: its items, its log, its metadata, what a tool left; or write out one."""
    if name is not None:
        send(rook.scans.read_artifact(run_id, name), output)
        return
    found = rook.scans.artifacts(run_id)
    list_artifacts(found, as_json=as_json, empty="This run has left no files here.")


@runs.command("prune")
@click.option("--before", type=Moment(), required=True, help="Delete runs that began before this time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_rook
def prune(rook: Rook, before: datetime, *, yes: bool, as_json: bool) -> None:
    """Delete old runs and their files for good; what they found stays."""
    agreed(yes, f"Delete runs that began before {before.isoformat()}, and their files, for good?")
    ids = rook.scans.prune_runs(before)
    if as_json:
        emit_json({"removed": len(ids), "run_ids": ids})
    else:
        note(f"{len(ids)} run{'' if len(ids) == 1 else 's'} deleted.")
