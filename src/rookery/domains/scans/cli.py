"""`rookery scan` and `rookery scope`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    from rookery.domains.scans.plan import ScanResult

SEVERITIES = ("unknown", "info", "low", "medium", "high", "critical")
SHOWN_REASONS = 8
FAILED, PARTLY_FAILED, FOUND = 1, 4, 8


class Severities(click.ParamType[tuple[str, ...]]):
    """One or more severities, separated by commas."""

    name = "severities"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The words, checked."""
        if isinstance(value, tuple):
            return value  # the default
        words = tuple(word.strip().lower() for word in str(value).split(","))
        for word in words:
            if word not in SEVERITIES:
                self.fail(f"{word!r} is not one of {', '.join(SEVERITIES)}.", param, ctx)
        return words


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option(
    "-t",
    "--templates",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="Run these nuclei-format templates instead of those that ship with Rookery; may be repeated.",
)
@click.option(
    "--severity", type=Severities(), default=(), help="Only templates of these, e.g. high,critical."
)
@click.option(
    "--rate-limit", type=click.FloatRange(0), help="Requests per second over all targets; 0: no limit."
)
@click.option("--concurrency", type=click.IntRange(1, 10_000), help="Requests under way at a time.")
@click.option("--timeout", type=click.FloatRange(0.1, 600), help="Seconds to wait for each answer.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES, case_sensitive=False),
    help=f"Exit with {FOUND} when something this bad, or worse, was found.",
)
@click.option("--jsonl", "as_jsonl", is_flag=True, help="One line of JSON for each finding, as it is found.")
@json_option
@pass_rook
def scan(
    rook: Rook,
    urls: tuple[str, ...],
    templates: tuple[Path, ...],
    severity: tuple[str, ...],
    rate_limit: float | None,
    concurrency: int | None,
    timeout: float | None,
    fail_on: str | None,
    *,
    as_jsonl: bool,
    as_json: bool,
) -> None:
    """Check web services for weaknesses, and keep what is found.

    Loopback may always be scanned; anything else must be in the scope (rookery scope add). URL may be -, to
    read one URL per line from standard input.
    """
    from rookery.domains.scans.display import Display
    from rookery.domains.scans.plan import ScanPlan

    if as_json and as_jsonl:
        raise click.UsageError("--json and --jsonl exclude each other.")
    plan = ScanPlan(
        endpoints=_endpoints(urls),
        templates=templates,
        severity_levels=severity,
        rate_limit=rate_limit,
        concurrency=concurrency,
        timeout=timeout,
    )
    with Display("jsonl" if as_jsonl else "json" if as_json else "lines") as display:
        result = rook.scans.run(plan, hooks=display.hooks)
    if as_json:
        emit_json({"items": display.rows, "next": None, "run": result})
    summarise(result)
    if result.finding_count:
        note("More of each: rookery findings list; rookery findings show ID")
    click.get_current_context().exit(_status(result, fail_on))


def _endpoints(urls: tuple[str, ...]) -> tuple[str, ...]:
    if urls != ("-",):
        return urls
    lines = tuple(line.strip() for line in sys.stdin if line.strip())
    if not lines:
        raise click.UsageError("There is no URL on standard input.")
    return lines


def _status(result: ScanResult, fail_on: str | None) -> int:
    if fail_on and any(word in result.severities for word in SEVERITIES[SEVERITIES.index(fail_on.lower()) :]):
        return FOUND
    if result.unreached_count == result.endpoint_count:
        return FAILED
    return PARTLY_FAILED if result.error_count else 0


def summarise(result: ScanResult) -> None:
    """Say what was done, found and left out, on standard error."""
    by_severity = [
        f"{result.severities[word]} {word}" for word in reversed(SEVERITIES) if word in result.severities
    ]
    found = _count(result.finding_count, "finding") + (f" ({', '.join(by_severity)})" if by_severity else "")
    note(
        f"{_count(result.endpoint_count, 'target')}, {_count(result.template_count, 'template')}, "
        f"{_count(result.request_count, 'request')} in {result.duration_ms / 1000:.1f} s: {found}."
    )
    for reason, count in list(result.skipped.items())[:SHOWN_REASONS]:
        note(f"Left out: {_count(count, 'template')}: {printable(reason)}")
    if len(result.skipped) > SHOWN_REASONS:
        note(f"… and for {len(result.skipped) - SHOWN_REASONS} more reasons, which --json lists")
    if result.error_count:
        note(f"{_count(result.error_count, 'error')}; what could not be asked may be weak all the same.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@click.group()
def scope() -> None:
    """What may be scanned beside this machine: addresses, networks, names."""


@scope.command("add")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY…")
@pass_rook
def add(rook: Rook, entries: tuple[str, ...]) -> None:
    """Allow an address, a network (192.0.2.0/24), a name or *.domain to be scanned."""
    for entry in entries:
        added = rook.scans.add_to_scope(entry)
        note(f"{added.entry} is in the scope now.")


@scope.command("remove")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY…")
@pass_rook
def remove(rook: Rook, entries: tuple[str, ...]) -> None:
    """Allow it no longer."""
    for entry in entries:
        rook.scans.remove_from_scope(entry)
        note(f"{printable(entry)} is not in the scope any more.")


@scope.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show what was added, by whom and when."""
    from rookery.base.clock import from_us

    entries = rook.scans.scope_entries()
    rows = [(row.entry, row.added_by, from_us(row.added_us).isoformat(timespec="seconds")) for row in entries]
    if as_json:
        emit_list({"entry": entry, "added_by": by, "added": when} for entry, by, when in rows)
    else:
        empty = "Only this machine (loopback) may be scanned. Add more: rookery scope add 192.0.2.0/24"
        lines = [(entry, by, when[:19].replace("T", " ")) for entry, by, when in rows]
        table(
            [Column("entry", whole=True), "added by", Column("added (utc)", whole=True)], lines, empty=empty
        )
