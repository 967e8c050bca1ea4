"""`rookery settings`: reading.py shows, changing.py changes."""

from __future__ import annotations

import click

from rookery.domains.settings.cli import changing, reading


@click.group()
def settings() -> None:
    """Show settings, and where each comes from; change those that may be while Rookery runs."""


COMMANDS = (
    *(reading.get, reading.list_, reading.history, reading.path),
    *(changing.set_, changing.unset, changing.create, changing.delete),
)
for command in COMMANDS:
    settings.add_command(command)
