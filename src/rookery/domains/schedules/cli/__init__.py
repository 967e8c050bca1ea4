"""`rookery schedules`: reading.py shows, changing.py makes and changes, options.py says what that takes."""

from __future__ import annotations

import click

from rookery.domains.schedules.cli import changing, reading


@click.group()
def schedules() -> None:
    """What is done again and again, or once, later: by cron line, interval or date."""


COMMANDS = (
    *(reading.list_, reading.show, reading.next_),
    *(changing.add, changing.update, changing.enable, changing.disable, changing.remove, changing.run),
)
for command in COMMANDS:
    schedules.add_command(command)
