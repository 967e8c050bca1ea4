"""`rookery tools`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import Column, emit_list, json_option, note, pass_rook, printable, table

if TYPE_CHECKING:
    from rookery.app import Rook


@click.group()
def tools() -> None:
    """What a scan can be run with: the engine within, and other programs."""


@tools.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show every tool: whether it can be run here, which version, or why not."""
    from rookery.domains.scans.tools.discovery import availability, discover

    found = discover()
    for warning in found.warnings:
        note(f"warning: {printable(warning)}")
    answers = {name: availability(tool, rook.config.scan) for name, tool in found.by_name.items()}
    if as_json:
        emit_list(
            {
                "name": name,
                "available": answer.is_available,
                "version": answer.version,
                "reason": answer.reason,
            }
            for name, answer in answers.items()
        )
        return
    rows = [
        (name, "yes" if answer.is_available else "no", answer.version or answer.reason)
        for name, answer in answers.items()
    ]
    table([Column("tool", whole=True), Column("runs", whole=True), "version, or why not"], rows)
