"""`rookery findings export`, and `feeds`: what goes out, and what others say of CVEs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.files import output_option, save
from rookery.faces.cli.output import Column, emit_json, emit_list, json_option, note, pass_rook, table

if TYPE_CHECKING:
    from rookery.app import Rook

FORMATS = ("csv", "jsonl", "sarif", "defectdojo", "html")


@click.command("export")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@click.option("--format", "format_", required=True, type=click.Choice(FORMATS), help="What to write.")
@output_option
@pass_rook
def export(rook: Rook, filter_: tuple[str, ...], format_: str, output: Path | None) -> None:
    """Write findings for other programs, or as a report (html).

    csv has every column; jsonl nuclei's field names; sarif is version 2.1.0; defectdojo its generic findings
    import; html one page that needs nothing else. docs/howto/triage-findings.md says more.
    """
    pieces = rook.findings.export(format_, " ".join(filter_))
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    save((piece.encode() for piece in pieces), output)


@click.group("feeds")
def feeds() -> None:
    """What others say of CVEs: CISA's exploited vulnerabilities, FIRST's EPSS."""


@feeds.command("import")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@pass_rook
def import_(rook: Rook, path: Path, *, as_json: bool) -> None:
    """Read known_exploited_vulnerabilities.json or epss_scores.csv(.gz), and rate findings anew.

    You download them (from CISA, from FIRST); Rookery reaches out to nobody.
    """
    rated = rook.findings.import_feed(path)
    if as_json:
        emit_json(rated)
    else:
        dated = f" of {rated.dated}" if rated.dated else ""
        note(f"{rated.name}{dated}: {rated.entries} CVEs; {rated.findings} finding(s) are of them.")


@feeds.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show which feeds were read, and of which day they are."""
    from rookery.base.clock import from_us

    rows = [
        {
            "name": feed.name,
            "dated": feed.dated,
            "entries": feed.entries,
            "imported": from_us(feed.imported_us),
        }
        for feed in rook.findings.feeds()
    ]
    if as_json:
        emit_list(rows)
        return
    lines = [[row["name"], row["dated"], row["entries"], f"{row['imported']:%Y-%m-%d %H:%M}"] for row in rows]
    empty = "No feed was read. rookery findings feeds import --help says which there are."
    table(["feed", "dated", Column("cves", right=True), "read (utc)"], lines, empty=empty)
