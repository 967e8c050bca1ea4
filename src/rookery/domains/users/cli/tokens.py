"""`rookery tokens list|create|revoke`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from rookery.domains.users.cli.reading import minute, named
from rookery.faces.cli.asking import Duration
from rookery.faces.cli.output import (
    Column,
    Styled,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    table,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.users.document import Token

NONE_YET = "No tokens yet. Make one: rookery tokens create USER NAME --scope devices:read"
COLUMNS = (
    Column("token", whole=True),
    Column("name"),
    Column("user", whole=True),
    Column("scopes"),
    Column("expires", whole=True),
    Column("last used", whole=True),
)


@click.group()
def tokens() -> None:
    """Ways in for programs: API tokens, with scopes and an expiry."""


@tokens.command("list")
@click.option("--user", "owner", metavar="NAME", help="Only those of this user.")
@json_option
@pass_rook
def list_(rook: Rook, owner: str | None, *, as_json: bool) -> None:
    """Show tokens, the newest first, and when they were used."""
    found = rook.users.tokens(named(rook, owner).id if owner else None)
    if as_json:
        emit_list(found)
        return
    names = {user.id: user.username for user in rook.users.list()}
    table(COLUMNS, [_line(each, names.get(each.user_id, "")) for each in found], empty=NONE_YET)


def _line(each: Token, owner: str) -> list[object]:
    style = "bold red" if each.expires <= datetime.now(UTC) else ""
    expires = Styled(minute(each.expires), style)
    return [each.prefix, each.name, owner, " ".join(each.scopes), expires, minute(each.last_used) or "never"]


@tokens.command("create")
@click.argument("user")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, metavar="SCOPE",
    help="A permission, devices:read, or devices:*; may be repeated.",
)  # fmt: skip
@click.option("--expires", type=Duration(), default="90d", show_default=True, help="After this time.")
@json_option
@pass_rook
def create(rook: Rook, user: str, name: str, scopes: tuple[str, ...], expires: int, *, as_json: bool) -> None:
    """Make a token for USER, called NAME, and print it: this once.

    It may do what its scopes say, as far as its owner may at that time.
    """
    made = rook.users.create_token(named(rook, user).id, name, scopes, timedelta(seconds=expires))
    if as_json:
        emit_json(made)
        return
    click.echo(made.secret)
    note(f"Keep it: it is not shown again. It expires {minute(made.token.expires)}.")


@tokens.command("revoke")
@click.argument("token")
@pass_rook
def revoke(rook: Rook, token: str) -> None:
    """Let nobody in by a token any more; TOKEN is how it begins, as `list` shows it."""
    rook.users.revoke_token(token)
    note("The token is worth nothing any more.")
