"""`rookery platforms list|show`; what needs a device is added by backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import (
    Column,
    emit_json,
    emit_list,
    json_option,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.devices.platform import Platform


COLUMNS = (
    Column("name", whole=True),
    "title",
    Column("also called", spare=True),
    Column("standing", whole=True),
)


@click.group()
def platforms() -> None:
    """The kinds of devices that are known, and how to talk to them."""


@platforms.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show every platform.

    Those of your own are TOML files in the data directory, below platforms/; they win over shipped ones of
    the same name.
    """
    found = rook.devices.platforms()
    if as_json:
        emit_list([_document(each) for each in found])
        return
    lines = [[each.name, each.title, ", ".join(each.aliases), _standing(each)] for each in found]
    table(COLUMNS, lines)


def _standing(platform: Platform) -> str:
    if platform.origin != "shipped":
        return "your own"
    return "from documentation" if platform.is_experimental else "from devices"


def _document(platform: Platform) -> dict[str, object]:
    import msgspec

    document: dict[str, object] = msgspec.to_builtins(platform)
    return document


@platforms.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show how to talk to a kind of device."""
    platform = rook.devices.platform(name)
    if as_json:
        emit_json(_document(platform))
        return
    for title, value in _lines(platform):
        if value:
            click.echo(f"{title:<15} {printable(value)}")


def _lines(platform: Platform) -> list[tuple[str, str]]:
    dialect = platform.dialect
    return [
        ("name", platform.name),
        ("title", platform.title),
        ("also called", ", ".join(platform.aliases)),
        ("standing", _standing(platform)),
        ("file", platform.origin if platform.origin != "shipped" else ""),
        ("like", platform.like or ""),
        ("driver", f"netmiko, as {platform.device_type}" if platform.driver == "netmiko" else ""),
        (
            "prompt",
            dialect.prompt if dialect.channel == "shell" else "none: each command has its own channel",
        ),
        ("says first", ", ".join(dialect.setup)),
        ("privileges by", dialect.enable.command if dialect.enable else ""),
        ("configuration", ", ".join(platform.configuration.commands)),
        ("ends with", platform.configuration.ends or ""),
        ("facts from", ", ".join(facts.command for facts in platform.facts)),
        ("noise", f"{len(platform.noise)} patterns" if platform.noise else ""),
        ("secrets", f"{len(platform.secrets)} patterns" if platform.secrets else ""),
    ]
