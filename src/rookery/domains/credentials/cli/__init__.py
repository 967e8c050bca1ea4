"""`rookery credentials`: reading.py shows, changing.py changes, secrets.py asks for what is secret."""

from __future__ import annotations

import click

from rookery.domains.credentials.cli import changing, reading


@click.group()
def credentials() -> None:
    """Logins on devices: sealed, matched by tags, tried by priority."""


COMMANDS = (
    *(reading.list_, reading.show, reading.match),
    *(changing.add, changing.update, changing.remove, changing.reveal, changing.rotate_key),
)
for command in COMMANDS:
    credentials.add_command(command)
