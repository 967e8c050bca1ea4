"""`rookery findings list`, `show` and `groups`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.output import (
    SHOWN_ID,
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
EXPOSURES = ("this machine only", "its own network", "a name, from wherever that leads", "the internet")
NONE_YET = "No findings yet. Find some: rookery scan http://127.0.0.1:8080"

limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
)


@click.command("list")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(SEVERITIES, case_sensitive=False),
    help="Only these; may be repeated.",
)
@click.option(
    "--target", metavar="URL", help="Only those of this target and below it, e.g. http://127.0.0.1:8080."
)
@limit_option
@json_option
@pass_rook
def list_(
    rook: Rook,
    filter_: tuple[str, ...],
    severities: tuple[str, ...],
    target: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Show findings, the most urgent first.

    FILTER chooses, as in 'sev>=high tag:dmz -state:fixed "log in"': quote it for your shell. What can be
    asked is in docs/reference/filters.md. What is known to be exploited comes first, then it goes by
    severity, EPSS percentile and exposure.
    """
    from rookery.domains.findings.document import as_json as document
    from rookery.domains.findings.rules import Severity

    how: dict[str, Any] = {
        "filter_": " ".join(filter_),
        "severities": tuple(Severity.of(word) for word in severities),
        "target": target.rstrip("/") if target else None,
    }
    rows = [document(finding) for finding in rook.findings.list(**how, limit=limit)]
    if as_json:
        emit_list(rows)
        return
    show_rows(rows, empty="No finding fits." if any(how.values()) else NONE_YET)
    total = rook.findings.count(**how)
    if total > len(rows):
        note(f"{total - len(rows)} more: --limit {total}")


def show_rows(rows: list[dict[str, Any]], *, empty: str) -> None:
    """A table of findings."""
    columns: list[str | Column] = [
        Column("id", whole=True),
        Column("severity", whole=True),
        "name",
        "matched at",
        Column("state", whole=True),
        Column("due", whole=True, spare=True),
        Column("exploited", whole=True, spare=True),
        Column("last seen (utc)", whole=True, spare=True),
    ]
    table(columns, [_line(row) for row in rows], empty=empty)


def _line(row: dict[str, Any]) -> list[object]:
    name = f"{row['name']} ({row['matcher']})" if row["matcher"] else row["name"]
    severity = Styled(row["severity"], STYLES.get(row["severity"], ""))
    due = (row["due"] or "")[:10] if row["state"] in {"open", "triaged"} else ""
    state = row["state"].replace("_", " ") + (" (review)" if row["needs_review"] else "")
    seen = row["last_seen"][:16].replace("T", " ")
    return [row["id"][:SHOWN_ID], severity, name, row["matched_at"], state, due, exploited(row), seen]


def exploited(row: dict[str, Any]) -> str:
    """`KEV`, and the EPSS percentile, of what has them."""
    percentile = row["epss_percentile"]
    return " ".join(("KEV",) * row["kev"] + (() if percentile is None else (f"{100 * percentile:.0f} %",)))


@click.command("show")
@click.argument("finding_id", metavar="ID")
@json_option
@pass_rook
def show(rook: Rook, finding_id: str, *, as_json: bool) -> None:
    """Show all that is known of one finding; the beginning of its id will do."""
    from rookery.domains.findings import document

    found = rook.findings.get(finding_id)
    facts, evidence = document.as_json(found), rook.findings.evidence(found.id)
    history = [document.event_as_json(event) for event in rook.findings.history(found.id)]
    if as_json:
        kept = None if evidence is None else document.evidence_as_json(evidence)
        emit_json(facts | {"evidence": kept, "history": history})
        return
    facts["priority"] = _priority(facts)
    for name in ("exposure", "group_id", "fingerprint", "scheme", "host", "port", "path"):
        facts.pop(name)
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if text not in ("", None, False, {}):
            click.echo(f"{name.replace('_', ' '):<15} {printable(text)}")
    for title, message in (("sent", evidence.request), ("came back", evidence.response)) if evidence else ():
        _show_message(title, message)
    click.echo("\nhistory")
    for event in history:
        change = f"{event['from_state']} → {event['to_state']}: " if event["to_state"] else ""
        when = event["at"][:16].replace("T", " ")
        click.echo(f"  {when}  {printable(event['actor'])}  {change}{printable(event['reason'])}")


def _priority(facts: dict[str, Any]) -> str:
    """The parts of the sort order, in its order."""
    parts = ["known to be exploited"] if facts["kev"] else []
    parts.append(facts["severity"])
    if facts["epss_percentile"] is not None:
        parts.append(f"EPSS percentile {100 * facts['epss_percentile']:.1f}")
    return f"{', '.join(parts)}, reached from {EXPOSURES[facts['exposure']]}"


def _show_message(title: str, message: str) -> None:
    if message:
        click.echo(f"\n{title}")
        for text in message.splitlines():
            click.echo(f"  {printable(text)}")


@click.command("groups")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@limit_option
@json_option
@pass_rook
def groups(rook: Rook, filter_: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """Show each weakness once, with the number of its findings.

    A group is one template, and its CVEs, on all targets: rookery findings list group:ID shows it.
    """
    rows = [group._asdict() for group in rook.findings.groups(" ".join(filter_), limit=limit)]
    if as_json:
        emit_list(rows)
        return
    columns: list[str | Column] = [
        Column("group", whole=True),
        Column("severity", whole=True),
        "name",
        Column("findings", right=True),
    ]
    columns += [Column("to do", right=True), Column("targets", right=True)]
    lines = [
        [
            row["id"][:SHOWN_ID],
            Styled(row["severity"], STYLES.get(row["severity"], "")),
            *(row[key] for key in ("name", "findings", "active", "targets")),
        ]
        for row in rows
    ]
    table(columns, lines, empty="No finding fits." if filter_ else NONE_YET)
