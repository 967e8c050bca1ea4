"""USER@HOST: devices that are in no inventory, as the command line names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rookery.domains.backups.preparing import Stranger

port_option = click.option(
    "--port", type=click.IntRange(1, 65_535), help="For USER@HOST that is not in the inventory."
)
password_file_option = click.option(
    "--password-file", type=click.Path(path_type=Path, allow_dash=True), help="Of USER@HOST."
)


def stranger(text: str, port: int | None, password_file: Path | None) -> Stranger:
    """USER@HOST or USER@HOST:PORT; the password is read from the file, or asked for."""
    from rookery.domains.backups.preparing import Stranger
    from rookery.domains.credentials.cli.secrets import secret_from

    user, _, place = text.rpartition("@")
    host, own_port = _split(place)
    password = secret_from("password", password_file, asks=True) or ""
    return Stranger(host, user, password, port or own_port)


def host_named(text: str, port: int | None, password_file: Path | None) -> str | Stranger:
    """A device of the inventory, by its name, or USER@HOST."""
    return stranger(text, port, password_file) if "@" in text else text


def _split(place: str) -> tuple[str, int | None]:
    """Host and port; an IPv6 address with a port stands in brackets."""
    host, _, port = place.rpartition(":")
    is_port = port.isdecimal() and (":" not in host or host.endswith("]"))
    return (host, int(port)) if host and is_port else (place, None)
