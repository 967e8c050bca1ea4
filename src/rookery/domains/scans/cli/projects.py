"""`rookery projects`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.asking import agreed
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
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.scans.store import ProjectFigures


@click.group()
def projects() -> None:
    """Groups of endpoints, and the runs upon them."""


@projects.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show every project."""
    rows = [document(each) for each in rook.projects.list()]
    if as_json:
        emit_list(rows)
        return
    figures = [Column("endpoints", right=True, whole=True), Column("runs", right=True, whole=True)]
    cells = [(row["id"], row["endpoint_count"], row["run_count"], row["description"]) for row in rows]
    table([Column("project", whole=True), *figures, "description"], cells)


@projects.command("create")
@click.argument("name")
@click.option("--description", default="", help="What it is about.")
@pass_rook
def create(rook: Rook, name: str, description: str) -> None:
    """Make a project. NAME is of lower-case letters, digits, - and _."""
    project = rook.projects.create(name, description=description)
    note(f"Project {project.id} made. Give it endpoints: rookery endpoints add --project {project.id} URL")


@projects.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show one project: its endpoints and its latest runs."""
    from rookery.domains.scans.document import endpoint_document, run_document

    project = rook.projects.get(name)
    endpoints = [endpoint_document(each) for each in rook.projects.endpoints(name)]
    latest = [run_document(run) for run in rook.scans.runs(project_id=name, limit=5)]
    if as_json:
        emit_json(
            {"id": project.id, "description": project.description, "endpoints": endpoints, "runs": latest}
        )
        return
    click.echo(f"{project.id}  {printable(project.description)}".rstrip())
    click.echo(f"{len(endpoints)} endpoints, the latest runs:")
    lines = [
        (run["id"][:SHOWN_ID], run["status"], run["started"][:16].replace("T", " "), run["findings"])
        for run in latest
    ]
    empty = f"It has not been scanned yet: rookery scan --project {project.id}"
    table(["run", "status", "started (utc)", Column("findings", right=True)], lines, empty=empty)


@projects.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def delete(rook: Rook, name: str, *, yes: bool) -> None:
    """Delete a project and its endpoints; its runs and what they found stay."""
    count = len(rook.projects.endpoints(name))
    agreed(yes, f"Delete the project {name} and its {count} endpoints for good?")
    rook.projects.delete(name)
    note(f"Project {name} is deleted.")


def document(row: ProjectFigures) -> dict[str, Any]:
    """A project as programs see it."""
    from rookery.base.clock import from_us

    return {
        "id": row.project.id,
        "description": row.project.description,
        "created": from_us(row.project.created_us).isoformat(),
        "created_by": row.project.created_by,
        "endpoint_count": row.endpoint_count,
        "run_count": row.run_count,
    }
