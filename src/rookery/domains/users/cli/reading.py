"""`rookery users list|show`."""

from __future__ import annotations

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
    from datetime import datetime

    from rookery.app import Rook
    from rookery.domains.users.document import User

NONE_YET = "No users yet. Add the first one: rookery users add NAME --role admin"
COLUMNS = (
    Column("name", whole=True),
    Column("role", whole=True),
    Column("email", spare=True),
    Column("second factor", whole=True),
    Column("last login", whole=True),
)


@click.command("list")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many."
)
@json_option
@pass_rook
def list_(rook: Rook, filter_: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """Show users, by name.

    FILTER chooses, as in 'role:admin totp:no login>90d': quote it for your shell. What can be asked is in
    docs/reference/filters.md.
    """
    wanted = " ".join(filter_)
    found = rook.users.list(wanted, limit=limit)
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty="No user fits." if wanted else NONE_YET)
    if len(found) == limit and (total := rook.users.count(wanted)) > limit:
        note(f"{total - limit} more: --limit {total}")


def _line(user: User) -> list[object]:
    name = user.username if user.is_enabled else f"{user.username} (disabled)"
    factor = "yes" if user.has_totp else ""
    return [name, user.role, user.email, factor, minute(user.last_login) or "never"]


@click.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show all that is known of one user, by name or id."""
    user = named(rook, name)
    if as_json:
        emit_json(user)
        return
    for title, value in _lines(user):
        if value:
            click.echo(f"{title:<14} {printable(value)}")


def _lines(user: User) -> list[tuple[str, object]]:
    return [
        ("name", user.username), ("id", user.id), ("email", user.email), ("role", user.role),
        ("enabled", "yes" if user.is_enabled else "no"),
        ("password", f"of {minute(user.password_changed)}" if user.has_password else "none: nobody logs in"),
        ("second factor", "yes" if user.has_totp else "no"),
        ("last login", minute(user.last_login) or "never"),
        ("added", f"{minute(user.created)} by {user.created_by}"),
    ]  # fmt: skip


def minute(moment: datetime | None) -> str:
    """A moment for people, in UTC."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def named(rook: Rook, name: str) -> User:
    """The user of this name, or with this id. Raises UserNotFound."""
    from rookery.domains.users.errors import UserNotFound

    try:
        return rook.users.by_username(name)
    except UserNotFound as unknown:
        try:
            return rook.users.get(name)
        except UserNotFound:
            raise unknown from None
