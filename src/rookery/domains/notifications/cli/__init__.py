"""`rookery notifications`: channels.py and ruling.py keep what is told where; history.py shows what was."""

from __future__ import annotations

import click

from rookery.domains.notifications.cli import channels, history, ruling


@click.group()
def notifications() -> None:
    """Which events are told, and to whom: webhooks, mail, chat."""


for command in (channels.channels, ruling.rules, history.history, history.test, history.kinds):
    notifications.add_command(command)
