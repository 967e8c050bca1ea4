"""`rookery credentials list|show|match`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import (
    Column,
    Styled,
    emit_json,
    emit_list,
    json_option,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rookery.app import Rook
    from rookery.domains.credentials.rules import CredentialInfo

NONE_YET = "No credentials yet. Add one: rookery credentials add lab --username admin"
COLUMNS = (
    Column("name", whole=True),
    Column("user", whole=True),
    Column("opens with"),
    Column("tags"),
    Column("first", right=True, whole=True),
    Column("taken", right=True, whole=True),
    Column("refused", right=True, whole=True),
    Column("last", whole=True, spare=True),
)


@click.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show credentials, those tried first first."""
    show_all(rook.credentials.list(), NONE_YET, as_json=as_json)


@click.command("match")
@click.argument("device")
@json_option
@pass_rook
def match(rook: Rook, device: str, *, as_json: bool) -> None:
    """Show which credentials are tried on DEVICE, in this order."""
    tags = " ".join(rook.devices.get(device).tags)
    empty = (
        f"No credential has one of its tags ({tags}): rookery credentials add NAME --username USER --tag TAG"
    )
    show_all(rook.credentials.fitting(device), empty, as_json=as_json)


def show_all(found: Iterable[CredentialInfo], empty: str, *, as_json: bool) -> None:
    """A table of credentials."""
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty=empty)


def _line(each: CredentialInfo) -> list[object]:
    refused = Styled(str(each.failure_count), "red" if each.failed_in_row else "")
    last = max(filter(None, (each.last_success, each.last_failure)), default=None)
    return [
        each.name, each.username, opens_with(each), " ".join(each.tags), each.priority, each.success_count,
        refused, "" if last is None else f"{last:%Y-%m-%d %H:%M}",
    ]  # fmt: skip


def opens_with(each: CredentialInfo) -> str:
    """What is kept, in words."""
    kept = [(each.has_password, "password"), (each.has_private_key, "key"), (each.has_enable, "enable")]
    return ", ".join(word for is_there, word in kept if is_there)


@click.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show all about one credential but its secrets."""
    each = rook.credentials.get(name)
    if as_json:
        emit_json(each)
        return
    lines = [
        ("name", each.name), ("id", each.id), ("user", each.username), ("opens with", opens_with(each)),
        ("tags", " ".join(each.tags)), ("priority", each.priority), ("description", each.description),
        ("taken", each.success_count), ("refused", f"{each.failure_count}, {each.failed_in_row} in a row"),
        ("last taken", each.last_success or "never"), ("last refused", each.last_failure or "never"),
        ("added", f"{each.created:%Y-%m-%d %H:%M} by {each.created_by}"),
    ]  # fmt: skip
    for title, value in lines:
        if value != "":
            click.echo(f"{title:<13} {printable(value)}")
