"""`rookery devices`: reading.py shows, changing.py changes, exchanging.py imports and exports."""

from __future__ import annotations

import click

from rookery.domains.devices.cli import changing, exchanging, reading


@click.group()
def devices() -> None:
    """The inventory: what has a configuration, where it is, and of what kind."""


COMMANDS = (
    *(reading.list_, reading.show, reading.tags),
    *(changing.add, changing.update, changing.remove, changing.tag, changing.untag, changing.forget_key),
    *(exchanging.import_, exchanging.export),
)
for command in COMMANDS:
    devices.add_command(command)
