"""`rookery endpoints`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.domains.scans.cli.openapi import Api, api_options, say_what_is_missing
from rookery.domains.scans.cli.targets import inventory_option, listed, of_inventory
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

project_option = click.option(
    "--project", default="default", show_default=True, metavar="NAME", help="The project they belong to."
)


@click.group()
def endpoints() -> None:
    """What a project scans: URLs, hosts, ports, files."""


@endpoints.command("list")
@project_option
@json_option
@pass_rook
def list_(rook: Rook, project: str, *, as_json: bool) -> None:
    """Show the endpoints of a project."""
    from rookery.domains.scans.document import endpoint_document

    rows = [endpoint_document(each) for each in rook.projects.endpoints(project)]
    if as_json:
        emit_list(rows)
        return
    whole = [Column("kind", whole=True), Column("method", whole=True)]
    columns = [*whole, Column("endpoint"), Column("name", spare=True)]
    empty = f"The project {project} has no endpoints. Add some: rookery endpoints add --project {project} URL"
    table(columns, [(row.kind, row.method, row.address, row.name) for row in rows], empty=empty)


@endpoints.command("add")
@click.argument("addresses", nargs=-1, metavar="[ENDPOINT]…")
@click.option(
    "--list",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="One endpoint per line; may be repeated.",
)
@inventory_option
@project_option
@pass_rook
def add(
    rook: Rook, addresses: tuple[str, ...], files: tuple[Path, ...], devices: str | None, project: str
) -> None:
    """Add URLs, hosts, host:port pairs or paths; - reads one per line from standard input.

    A path begins with /, ./, ../ or ~; anything else without a scheme is a host.
    """
    wanted = listed(addresses, files) + of_inventory(rook, devices)
    if not wanted:
        raise click.UsageError(
            "There is no endpoint: give some, --list FILE, --devices FILTER, or - for stdin."
        )
    added = rook.projects.add_endpoints(project, wanted)
    known = len(wanted) - len(added)
    note(f"{_count(len(added))} added to {project}{f'; {known} there already' if known else ''}.")


@endpoints.command("remove")
@click.argument("addresses", nargs=-1, required=True, metavar="ENDPOINT…")
@project_option
@pass_rook
def remove(rook: Rook, addresses: tuple[str, ...], project: str) -> None:
    """Remove endpoints by address or id."""
    for address in addresses:
        removed = rook.projects.remove_endpoint(project, address)
        note(f"{printable(address)}: {_count(len(removed))} removed from {project}.")


@endpoints.command("import")
@click.argument("source", metavar="FILE|URL")
@api_options
@project_option
@json_option
@pass_rook
def import_(rook: Rook, source: str, api: Api, project: str, *, as_json: bool) -> None:
    """Add each operation of an OpenAPI document (3.x or 2.0, JSON or YAML).

    Path and query parameters take the document's own examples and defaults. With --form FILE, those that have
    none are written into FILE; fill it in, and run the command again.
    """
    added, found = rook.projects.import_openapi(project, source, server=api.server, filling=api.filling())
    missing, known = say_what_is_missing(found, api), len(found.complete) - len(added)
    if as_json:
        from rookery.domains.scans.document import endpoint_document

        rows = [endpoint_document(each) for each in added]
        emit_json({"added": rows, "known": known, "incomplete": missing, "unusable": found.unusable})
    note(f"{_count(len(added))} added to {project}{f'; {known} there already' if known else ''}.")


def _count(number: int) -> str:
    return f"{number} endpoint{'' if number == 1 else 's'}"
