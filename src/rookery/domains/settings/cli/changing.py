"""`rookery settings set|unset|create|delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rookery.domains.settings.cli.reading import as_text
from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.settings.document import SettingInfo

KINDS = ("text", "integer", "number", "boolean", "list")
VERSION = click.option(
    "--if-revision", "revision", type=click.IntRange(0), help="Only when it is at this revision still."
)


@click.command("set")
@click.argument("key")
@click.argument("value")
@VERSION
@json_option
@pass_rook
def set_(rook: Rook, key: str, value: str, *, revision: int | None, as_json: bool) -> None:
    """Set KEY in the database, for all that share it, from the next task or scan on.

    A list is separated by commas. What a file or variable decides is refused: change it there.
    """
    _show(rook.settings.update_value(key, value, revision=revision), as_json=as_json)


@click.command("unset")
@click.argument("key")
@VERSION
@json_option
@pass_rook
def unset(rook: Rook, key: str, *, revision: int | None, as_json: bool) -> None:
    """Give KEY its default back."""
    _show(rook.settings.unset(key, revision=revision), as_json=as_json)


@click.command("create")
@click.argument("key")
@click.option("--kind", type=click.Choice(KINDS), default="text", show_default=True, help="What it takes.")
@click.option("--default", metavar="VALUE", help="What it is until it is set; nothing, 0 or false else.")
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
@json_option
@pass_rook
def create(rook: Rook, key: str, *, kind: Any, default: str | None, description: str, as_json: bool) -> None:
    """Declare a setting of your own, for your hooks and tasks: KEY is category.name."""
    blank = {"integer": 0, "number": 0.0, "boolean": False}.get(kind, "")
    given = blank if default is None else default
    _show(rook.settings.create(key, kind, given, description=description), as_json=as_json)


@click.command("delete")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def delete(rook: Rook, key: str, *, yes: bool) -> None:
    """Forget a setting that you have declared; its history stays."""
    agreed(yes, f"Forget {key}, which is {as_text(rook.settings.value(key))}?")
    rook.settings.delete(key)
    note(f"{key} is forgotten.")


def _show(info: SettingInfo, *, as_json: bool) -> None:
    if as_json:
        emit_json(info)
        return
    note(f"{info.key} is {as_text(info.value) or 'empty'} ({info.origin}, revision {info.revision}).")
