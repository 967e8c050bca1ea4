"""`rookery scope`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import Column, emit_list, json_option, note, pass_rook, printable, table

if TYPE_CHECKING:
    from rookery.app import Rook


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
