"""`rookery credentials add|update|remove|reveal|rotate-key`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.credentials.cli.reading import opens_with
from rookery.domains.credentials.cli.secrets import secret_from
from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.credentials.rules import CredentialInfo

FILE = click.Path(path_type=Path, allow_dash=True)
PARTS = (
    click.option("--password-file", type=FILE, help="Its first line; - is standard input."),
    click.option("--key-file", type=FILE, help="A private key, OpenSSH or PEM."),
    click.option("--enable-file", type=FILE, help="The secret of `enable`, where it is not the password."),
    click.option(
        "--tag", "tags", multiple=True, metavar="TAG", help="Fits devices with it; may be repeated."
    ),
    click.option("--priority", type=click.IntRange(0, 1000), help="0 is tried first; 100 unless given."),
    click.option("--description", metavar="TEXT", help="What it is for."),
)


def part_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a credential consists of."""
    for option in reversed(PARTS):
        command = option(command)
    return command


@click.command("add")
@click.argument("name")
@click.option("--username", "-u", default="", help="The user; none for devices that only ask for a password.")
@part_options
@click.option("--ask-enable", is_flag=True, help="Ask for the secret of `enable`, too.")
@json_option
@pass_rook
def add(
    rook: Rook,
    /,
    name: str,
    username: str,
    password_file: Path | None,
    key_file: Path | None,
    enable_file: Path | None,
    *,
    ask_enable: bool,
    as_json: bool,
    **parts: Any,
) -> None:
    """Keep a login.

    The password is asked for, unless a file is given. Without --tag it is tried on every device.
    """
    password = secret_from("password", password_file, asks=key_file is None)
    key = secret_from("key", key_file, asks=False)
    enable = secret_from("enable", enable_file, asks=ask_enable)
    made = rook.credentials.create(
        name, username, password=password or "", private_key=_whole(key), enable=enable, **_said(parts)
    )
    _show(made, "Kept, sealed.", as_json=as_json)


@click.command("update")
@click.argument("name")
@click.option("--rename", metavar="NAME", help="Another name.")
@click.option("--username", "-u", help="Another user.")
@click.option("--ask", is_flag=True, help="Ask for another password.")
@part_options
@json_option
@pass_rook
def update(
    rook: Rook,
    /,
    name: str,
    rename: str | None,
    password_file: Path | None,
    key_file: Path | None,
    enable_file: Path | None,
    *,
    ask: bool,
    as_json: bool,
    **parts: Any,
) -> None:
    """Change a login.

    What is not given stays as it is.
    """
    key = secret_from("key", key_file, asks=False)
    changes = _said(
        {
            **parts,
            "name": rename,
            "password": secret_from("password", password_file, asks=ask),
            "private_key": None if key is None else _whole(key),
            "enable": secret_from("enable", enable_file, asks=False),
        }
    )
    if not changes:
        raise click.UsageError("Say what is to change: rookery credentials update --help lists what can.")
    _show(rook.credentials.update(name, **changes), "Changed.", as_json=as_json)


def _whole(key: str | None) -> str:
    """A private key ends with a line break, or it is none to some readers."""
    return f"{key}\n" if key else ""


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def remove(rook: Rook, name: str, *, yes: bool) -> None:
    """Forget a login."""
    found = rook.credentials.get(name)
    agreed(yes, f"Forget {found.name} ({found.username})?")
    rook.credentials.delete(found.id)
    note(f"{found.name} is forgotten.")


@click.command("reveal")
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why: it is kept in the audit log.")
@json_option
@pass_rook
def reveal(rook: Rook, name: str, reason: str, *, as_json: bool) -> None:
    """Show the secrets of a login.

    That you have seen them, and why, is recorded first.
    """
    secret = rook.credentials.reveal(name, reason)
    if as_json:
        emit_json(secret)
        return
    for title, value in (
        ("password", secret.password),
        ("enable", secret.enable),
        ("key", secret.private_key),
    ):
        if value:
            click.echo(f"{title:<9} {value}")


@click.command("rotate-key")
@click.option("--reseal-only", is_flag=True, help="The new key is in the settings already.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def rotate_key(rook: Rook, *, reseal_only: bool, yes: bool) -> None:
    """Seal all secrets with a new key, and forget the old one.

    It may be broken off and run again at any moment; let no backup run meanwhile. Older copies of the data
    directory need the old key, which is in them.
    """
    agreed(yes, "Seal everything with a new key?")
    count = rook.credentials.rotate_key(reseal_only=reseal_only)
    configurations, channels = rook.backups.reseal(), rook.notifications.reseal()
    rook.backups.rotate_out()
    note(
        f"{count} credentials, {configurations} configurations and {channels} notification channels have "
        "the new key; the old one is gone."
    )


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None and value != ()}


def _show(info: CredentialInfo, said: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(info)
        return
    note(f"{info.name}: {info.username or 'no user'}, {opens_with(info)}; fits {' '.join(info.tags)}. {said}")
