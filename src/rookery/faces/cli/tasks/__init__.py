"""`rookery tasks`: reading.py shows, watching.py waits, changing.py cancels, retries and prunes."""

from __future__ import annotations

import click

from rookery.faces.cli.tasks import changing, reading, watching


@click.group()
def tasks() -> None:
    """Long work: what waits, runs, has ended or failed. `rookery worker` does it."""


COMMANDS = (
    *(reading.list_, reading.show, reading.artifacts, watching.watch),
    *(changing.cancel, changing.retry, changing.prune),
)
for command in COMMANDS:
    tasks.add_command(command)
