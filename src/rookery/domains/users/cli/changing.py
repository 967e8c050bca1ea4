"""`rookery users add|edit|remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rookery.domains.users.cli.passwords import new_password, password_option
from rookery.domains.users.cli.reading import named
from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.users.document import User

ROLES = click.Choice(["viewer", "operator", "admin"])


@click.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What they may do.")
@click.option("--email", metavar="ADDRESS", help="Where to reach them.")
@password_option
@click.option("--no-password", is_flag=True, help="Nobody logs in: for programs, which have tokens.")
@json_option
@pass_rook
def add(
    rook: Rook,
    /,
    name: str,
    role: str,
    email: str | None,
    *,
    from_stdin: bool,
    no_password: bool,
    as_json: bool,
) -> None:
    """Add a user; the password is asked for."""
    if from_stdin and no_password:
        raise click.UsageError("Give --password-stdin or --no-password, not both.")
    password = None if no_password else new_password(from_stdin=from_stdin)
    _show(rook.users.create(name, email, role, password=password), "Added.", as_json=as_json)


@click.command("edit")
@click.argument("name")
@click.option("--rename", "username", metavar="NAME", help="Another name.")
@click.option("--role", type=ROLES, help="Another role; ends their sessions.")
@click.option("--email", metavar="ADDRESS", help="Another address; '' is none.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether they may come in.")
@json_option
@pass_rook
def edit(
    rook: Rook,
    /,
    name: str,
    username: str | None,
    role: str | None,
    email: str | None,
    enabled: bool | None,
    *,
    as_json: bool,
) -> None:
    """Change a user.

    What is not given stays as it is. Whoever is disabled is out at once, and so are their tokens.
    """
    given = {"username": username, "role": role, "enabled": enabled}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if email is not None:
        changes["email"] = email or None
    if not changes:
        raise click.UsageError("Say what is to change: rookery users edit --help lists what can.")
    _show(rook.users.update(named(rook, name).id, **changes), "Changed.", as_json=as_json)


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def remove(rook: Rook, name: str, *, yes: bool) -> None:
    """Remove a user, with their sessions and tokens."""
    user = named(rook, name)
    agreed(yes, f"Remove {user.username} ({user.role}), with their tokens?")
    rook.users.delete(user.id)
    note(f"{user.username} is removed.")


def _show(user: User, said: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(user)
        return
    state = "" if user.is_enabled else ", disabled"
    note(f"{user.username}: {user.role}{state}. {said}")
