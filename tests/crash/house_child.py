"""A program that is killed: records entries and emits findings, and prints each as soon as it is accepted.

Usage: house_child.py DATA_DIR LABEL COUNT.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from rookery import app
from rookery.domains.findings.hooks import recording
from rookery.domains.findings.items import Vulnerability
from rookery.mechanisms.hooks import Hooks, Item, hooks_from
from rookery.mechanisms.runner import Runner


class Producer(Runner):
    """Emits findings, and before each one records an audit entry."""

    name = "producer"
    rook: app.Rook
    label: str
    count: int

    async def produce(self) -> AsyncIterator[Item]:
        for number in range(self.count):
            name = f"{self.label}-{number}"
            entry = self.rook.audit.record("scope.added", object=name)
            os.write(1, f"entry {entry.id}\n".encode())
            yield Vulnerability(
                template_id=name,
                name=name,
                severity="info",
                target="http://127.0.0.1",
                matched_at="http://127.0.0.1/",
            )
            if number % 50 == 0:
                await asyncio.sleep(0)


def acknowledge(_runner: Runner, item: Item) -> None:
    """A hook after the recording one: what comes here is in the queue."""
    if isinstance(item, Vulnerability):
        os.write(1, f"finding {item.template_id}\n".encode())


def main() -> None:
    data_dir, label, count = sys.argv[1:]
    with app.open(Path(data_dir), actor=label) as rook:
        hooks: Hooks = recording(rook.engine) + hooks_from({"on_item": acknowledge})
        producer = Producer(["house"], hooks=hooks, spool=Path(data_dir, "spool", "hooks"))
        producer.rook, producer.label, producer.count = rook, label, int(count)
        producer.run()


if __name__ == "__main__":
    main()
