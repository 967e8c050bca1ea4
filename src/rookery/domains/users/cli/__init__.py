"""`rookery users` and `rookery tokens`: reading.py shows, changing.py changes, entering.py lets in."""

from __future__ import annotations

import click

from rookery.domains.users.cli import changing, entering, reading


@click.group()
def users() -> None:
    """Who may come in: roles, passwords, second factors, sessions."""


COMMANDS = (
    *(reading.list_, reading.show),
    *(changing.add, changing.edit, changing.remove),
    *(entering.password, entering.totp, entering.sessions, entering.setup_link),
)
for command in COMMANDS:
    users.add_command(command)
