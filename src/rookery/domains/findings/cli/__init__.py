"""`rookery findings`: reading.py shows, deciding.py triages, exchange.py exports and reads feeds.

`retest` and `import` run something, and belong to scans: faces/cli/main.py adds them to this group.
"""

from __future__ import annotations

import click

from rookery.domains.findings.cli import deciding, exchange, reading


@click.group()
def findings() -> None:
    """What is weak: one line for each weakness of each target."""


COMMANDS = (
    *(reading.list_, reading.show, reading.groups),
    *(deciding.triage, deciding.assign, deciding.note_, deciding.tag),
    *(exchange.export, exchange.feeds),
)
for command in COMMANDS:
    findings.add_command(command)
