"""`rookery notifications channels list|show|add|update|remove|reveal`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.credentials.cli.secrets import secret_from
from rookery.faces.cli.asking import agreed
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
    from rookery.app import Rook
    from rookery.domains.notifications.document import ChannelInfo

NONE_YET = "No channels yet. Add one: rookery notifications channels add ops --webhook"
COLUMNS = (
    Column("name", whole=True),
    Column("kind", whole=True),
    Column("url"),
    Column("enabled", whole=True),
    Column("templates", spare=True),
)
FILE = click.Path(path_type=Path, allow_dash=True)
PARTS = (
    click.option("--url-file", type=FILE, help="The URL is its first line; - is standard input."),
    click.option("--secret-file", type=FILE, help="The secret of a webhook; one is made without it."),
    click.option("--subject-file", type=click.Path(path_type=Path), help="A template for the subject."),
    click.option("--text-file", type=click.Path(path_type=Path), help="A template for the text."),
)
LARGEST = 20_001  # characters: one more than a template may have


def part_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a channel consists of."""
    for option in reversed(PARTS):
        command = option(command)
    return command


@click.group("channels")
def channels() -> None:
    """Where notifications go: webhooks, mail, Slack, Teams, Telegram and many others."""


@channels.command("list")
@json_option
@pass_rook
def list_(rook: Rook, *, as_json: bool) -> None:
    """Show channels; of their URLs what is no secret."""
    found = rook.notifications.list_channels()
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty=NONE_YET)


def _line(each: ChannelInfo) -> list[object]:
    own = [name for name in ("subject", "text") if getattr(each, name)]
    return [each.name, each.kind, each.url, "yes" if each.is_enabled else "no", ", ".join(own)]


@channels.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show all about one channel but its secrets."""
    each = rook.notifications.get_channel(name)
    if as_json:
        emit_json(each)
        return
    lines = [
        ("name", each.name), ("id", each.id), ("kind", each.kind), ("url", each.url),
        ("enabled", "yes" if each.is_enabled else "no"), ("subject", each.subject), ("text", each.text),
        ("added", f"{each.created:%Y-%m-%d %H:%M} by {each.created_by}"),
    ]  # fmt: skip
    for title, value in lines:
        if value:
            click.echo(f"{title:<9} {printable(value)}")


@channels.command("add")
@click.argument("name")
@click.option("--webhook", "kind", flag_value="webhook", help="Signed JSON is posted to the URL.")
@click.option("--apprise", "kind", flag_value="apprise", help="The URL is one of Apprise's, as mailto://…")
@part_options
@json_option
@pass_rook
def add(
    rook: Rook,
    /,
    name: str,
    kind: Any,
    url_file: Path | None,
    secret_file: Path | None,
    subject_file: Path | None,
    text_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Keep a channel.

    Its URL is asked for, unless a file is given: it may be a secret.
    """
    if kind is None:
        raise click.UsageError("Say of what kind it is: --webhook or --apprise.")
    url = secret_from("url", url_file, asks=True) or ""
    secret = secret_from("secret", secret_file, asks=False) or ""
    made = rook.notifications.create_channel(
        name, kind, url, secret=secret, subject=_text(subject_file) or "", text=_text(text_file) or ""
    )
    more = "" if secret or kind != "webhook" else " `reveal` shows the secret that signs what is sent."
    _show(made, f"Kept, sealed.{more} Try it: rookery notifications test {made.name}", as_json=as_json)


@channels.command("update")
@click.argument("name")
@click.option("--rename", metavar="NAME", help="Another name.")
@click.option("--enable/--disable", "is_enabled", default=None, help="Whether anything is sent.")
@part_options
@json_option
@pass_rook
def update(
    rook: Rook,
    /,
    name: str,
    rename: str | None,
    url_file: Path | None,
    secret_file: Path | None,
    subject_file: Path | None,
    text_file: Path | None,
    *,
    is_enabled: bool | None,
    as_json: bool,
) -> None:
    """Change a channel.

    What is not given stays as it is; an empty template brings Rookery's own back.
    """
    parts: dict[str, Any] = {
        "name": rename,
        "is_enabled": is_enabled,
        "url": secret_from("url", url_file, asks=False),
        "secret": secret_from("secret", secret_file, asks=False),
        "subject": _text(subject_file),
        "text": _text(text_file),
    }
    changes = {key: value for key, value in parts.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what is to change: see --help.")
    _show(rook.notifications.update_channel(name, **changes), "Changed.", as_json=as_json)


@channels.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def remove(rook: Rook, name: str, *, yes: bool) -> None:
    """Forget a channel, and what waits for it."""
    found = rook.notifications.get_channel(name)
    agreed(yes, f"Forget {found.name} ({found.url})?")
    rook.notifications.delete_channel(found.id)
    note(f"{found.name} is forgotten.")


@channels.command("reveal")
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why: it is kept in the audit log.")
@json_option
@pass_rook
def reveal(rook: Rook, name: str, reason: str, *, as_json: bool) -> None:
    """Show the URL and secret of a channel.

    That you have seen them, and why, is recorded first.
    """
    address = rook.notifications.reveal_channel(name, reason)
    if as_json:
        emit_json(address)
        return
    click.echo(f"url       {printable(address.url)}")
    if address.secret:
        click.echo(f"secret    {printable(address.secret)}")


def _text(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}") from None


def _show(info: ChannelInfo, said: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(info)
        return
    note(f"{info.name}: {info.kind}, {info.url}. {said}")
