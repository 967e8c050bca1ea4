"""`rookery findings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

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

SEVERITIES = ("unknown", "info", "low", "medium", "high", "critical")
STYLES = {"critical": "bold white on red", "high": "bold red", "medium": "yellow"}
SHOWN_ID = 13  # characters: the first two groups, which no two findings of one installation share


@click.group()
def findings() -> None:
    """What is weak: one line for each weakness of each target."""


@findings.command("list")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(SEVERITIES, case_sensitive=False),
    help="Only these; may be repeated.",
)
@click.option("--target", metavar="URL", help="Only those of this target, e.g. http://127.0.0.1:8080.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
)
@json_option
@pass_rook
def list_(rook: Rook, severities: tuple[str, ...], target: str | None, limit: int, *, as_json: bool) -> None:
    """Show findings, the worst first."""
    from rookery.domains.findings.document import as_json as document
    from rookery.domains.findings.rules import Severity

    chosen = tuple(Severity.of(word) for word in severities)
    target = target.rstrip("/") if target else None
    rows = [
        document(finding) for finding in rook.findings.list(severities=chosen, target=target, limit=limit)
    ]
    if as_json:
        emit_list(rows)
        return
    id_column, severity_column = Column("id", whole=True), Column("severity", whole=True)
    filtered = bool(severities or target)
    empty = (
        "No finding fits." if filtered else "No findings yet. Find some: rookery scan http://127.0.0.1:8080"
    )
    table(
        [id_column, severity_column, "name", "matched at", Column("last seen (utc)", whole=True, spare=True)],
        [_line(row) for row in rows],
        empty=empty,
    )
    total = rook.findings.count(severities=chosen, target=target)
    if total > len(rows):
        note(f"{total - len(rows)} more: --limit {total}")


def _line(row: dict[str, Any]) -> list[object]:
    name = f"{row['name']} ({row['matcher']})" if row["matcher"] else row["name"]
    severity = Styled(row["severity"], STYLES.get(row["severity"], ""))
    return [row["id"][:SHOWN_ID], severity, name, row["matched_at"], row["last_seen"][:16].replace("T", " ")]


@findings.command("show")
@click.argument("finding_id", metavar="ID")
@json_option
@pass_rook
def show(rook: Rook, finding_id: str, *, as_json: bool) -> None:
    """Show all that is known of one finding; the beginning of its id will do."""
    from rookery.domains.findings.document import as_json as document

    found = document(rook.findings.get(finding_id))
    if as_json:
        emit_json(found)
        return
    for name, value in found.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text not in ("", None):
            click.echo(f"{name.replace('_', ' '):<13} {printable(text)}")
