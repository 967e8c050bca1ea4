"""`rookery settings get|list|history|path`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.output import (
    Column,
    current_shell,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rookery.app import Rook
    from rookery.domains.settings.document import ChangeInfo, SettingInfo

COLUMNS = (
    Column("setting", whole=True),
    Column("value"),
    Column("origin"),
    Column("change", whole=True),
    Column("by", spare=True),
)
HISTORY = (
    Column("revision", right=True, whole=True),
    Column("when", whole=True),
    Column("by"),
    Column("old"),
    Column("new"),
)


@click.command("get")
@click.argument("key", required=False)
@click.option("--origin", is_flag=True, help="Also show where each value comes from.")
@json_option
def get(key: str | None, *, origin: bool, as_json: bool) -> None:
    """Show all settings, or the one called KEY. Passwords are masked."""
    found = _found()
    chosen = found if key is None else {key: _known(key, found)}
    if as_json:
        emit_json({each.key: {"value": each.value, "origin": each.origin} for each in chosen.values()})
    elif key and not origin:
        click.echo(printable(as_text(chosen[key].value)))
    else:
        _show(chosen.values(), with_origin=origin)


def _found() -> Mapping[str, SettingInfo]:
    """Those of the database, too, unless it cannot be had: then one may be looking for the reason."""
    from rookery.base.errors import RookeryError
    from rookery.domains.settings.document import infos

    shell = current_shell()
    config = shell.loaded.config
    try:
        with shell.open() as rook:
            return rook.settings.by_key()
    except RookeryError as error:
        note(f"Without what is set in the database: {error}")
        return infos(config, config, ())


def _known(key: str, found: Mapping[str, SettingInfo]) -> SettingInfo:
    from rookery.domains.settings.rules import unknown

    if key not in found:
        raise unknown(key, found)
    return found[key]


def _show(chosen: Any, *, with_origin: bool) -> None:
    rows = [(each.key, as_text(each.value), *([each.origin] if with_origin else [])) for each in chosen]
    table(["setting", "value", *(["origin"] if with_origin else [])], rows)


@click.command("list")
@click.option("--category", metavar="NAME", help="Only those of one category, such as queue.")
@json_option
@pass_rook
def list_(rook: Rook, *, category: str | None, as_json: bool) -> None:
    """Show settings, where they come from, and how each can be changed.

    `set` changes those that can be while Rookery runs; the others are read when it starts, or fixed by where
    they come from.
    """
    found = rook.settings.by_category(category) if category else rook.settings.list()
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found))


def _line(each: SettingInfo) -> list[object]:
    fixed = "fixed" if each.is_runtime else "at start"
    change = fixed if each.is_fixed else "any time"
    return [each.key, as_text(each.value), each.origin, change, each.updated_by or ""]


@click.command("history")
@click.argument("key")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
@json_option
@pass_rook
def history(rook: Rook, key: str, *, limit: int, as_json: bool) -> None:
    """Show what KEY was set to, by whom and when, newest first."""
    found = rook.settings.history(key, limit)
    if as_json:
        emit_list(found)
        return
    table(HISTORY, map(_change, found), empty=f"{key} has never been set here.")


def _change(each: ChangeInfo) -> list[object]:
    when = f"{each.at:%Y-%m-%d %H:%M:%S}"
    return [each.revision, when, each.actor, _or_default(each.old), _or_default(each.new)]


def _or_default(value: Any) -> str:
    return "(default)" if value is None else as_text(value)


@click.command("path")
@json_option
def path(*, as_json: bool) -> None:
    """Show the files settings are looked for in; of two, the lower one wins."""
    from rookery.base.config_sources import candidates

    given = current_shell().config_file
    places = [_place(file) for file in ([given] if given else candidates(os.environ))]
    if as_json:
        emit_list(places)
    else:
        table(["file", "found"], [(place["path"], "yes" if place["exists"] else "no") for place in places])


def _place(file: Path) -> dict[str, Any]:
    return {"path": str(file), "exists": file.exists()}


def as_text(value: Any) -> str:
    """As it would be written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
