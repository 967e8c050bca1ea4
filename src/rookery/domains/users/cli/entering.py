"""`rookery users password|totp|sessions|setup-link`: how people come in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from rookery.domains.users.cli.passwords import new_password, password_option
from rookery.domains.users.cli.reading import minute, named
from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import (
    SHOWN_ID,
    Column,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rookery.app import Rook
    from rookery.domains.users.document import Session, User

SESSIONS = (
    Column("id", whole=True),
    Column("address", whole=True),
    Column("since", whole=True),
    Column("last used", whole=True),
    Column("browser", cut=True, spare=True),
)


@click.command("password")
@click.argument("name")
@password_option
@pass_rook
def password(rook: Rook, name: str, *, from_stdin: bool) -> None:
    """Give a user another password, and end their sessions."""
    user = named(rook, name)
    rook.users.set_password(user.id, new_password(from_stdin=from_stdin))
    note(f"{user.username} has another password, and is logged out everywhere.")


@click.command("totp")
@click.argument("name")
@click.option("--confirm", "code", metavar="CODE", help="What the app shows: from now on it is asked for.")
@click.option("--disable", is_flag=True, help="Ask for no code any more.")
@click.option("--yes", is_flag=True, help="Do not ask whether to disable.")
@json_option
@pass_rook
def totp(rook: Rook, name: str, code: str | None, *, disable: bool, yes: bool, as_json: bool) -> None:
    """Give a user a second factor: a code from an app.

    Prints what the app is given, asks for the code that it then shows, and prints recovery codes for the day
    when it is lost. Where nobody is there to be asked, give the code to --confirm in a second call.
    """
    user = named(rook, name)
    if disable and code is not None:
        raise click.UsageError("Give --confirm or --disable, not both.")
    if disable:
        agreed(yes, f"Let {user.username} in without a code from now on?")
        rook.users.totp_disable(user.id)
        note(f"{user.username} is asked for no code any more.")
        return
    code = code or _begun(rook, user, as_json=as_json)
    if code:
        _show_codes(rook.users.totp_confirm(user.id, code), as_json=as_json)


def _begun(rook: Rook, user: User, *, as_json: bool) -> str:
    """What somebody who was shown a new secret types; nothing where nobody can."""
    made = rook.users.totp_begin(user.id)
    if as_json:
        emit_json(made)
        return ""
    click.echo(f"{made.uri}\nsecret: {made.secret}")
    if not sys.stdin.isatty():
        note(f"Confirm it: rookery users totp {user.username} --confirm CODE")
        return ""
    code: str = click.prompt("Code that the app shows", err=True)
    return code


def _show_codes(codes: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        emit_list(codes)
        return
    for each in codes:
        click.echo(each)
    note("Recovery codes: each stands for a code of the app, once. Keep them where the app is not.")


@click.command("sessions")
@click.argument("name")
@click.option("--end", "ended", metavar="ID", help="End this one; the beginning of its id will do.")
@click.option("--end-all", is_flag=True, help="End all of them.")
@json_option
@pass_rook
def sessions(rook: Rook, name: str, ended: str | None, *, end_all: bool, as_json: bool) -> None:
    """Show where a user is logged in, or end it."""
    user = named(rook, name)
    if end_all:
        note(f"{rook.users.end_sessions(user.id)} sessions of {user.username} are ended.")
        return
    found = rook.users.sessions(user.id)
    if ended is not None:
        rook.users.end_session(_one_of(found, ended))
        note("The session is ended.")
    elif as_json:
        emit_list(found)
    else:
        table(SESSIONS, map(_line, found), empty=f"{user.username} is logged in nowhere.")


def _one_of(found: Sequence[Session], beginning: str) -> str:
    """The id of the one session that it is the beginning of; else itself, which there is none of."""
    fitting = [each.id for each in found if each.id.startswith(beginning)]
    return fitting[0] if len(fitting) == 1 else beginning


def _line(each: Session) -> list[object]:
    return [each.id[:SHOWN_ID], each.address, minute(each.created), minute(each.seen), each.user_agent]


@click.command("setup-link")
@click.option(
    "--url", default="http://127.0.0.1:8470", show_default=True, metavar="URL", help="Where the server is."
)
@json_option
@pass_rook
def setup_link(rook: Rook, url: str, *, as_json: bool) -> None:
    """Print a link by which the first admin is made.

    It works once, for half an hour, and as long as there is no user; those printed before do not any more.
    """
    from rookery.domains.users.errors import SetupOver

    link = rook.users.setup_link()
    if link is None:
        raise SetupOver
    if as_json:
        emit_json({"url": url.rstrip("/") + link})
        return
    click.echo(url.rstrip("/") + link)
