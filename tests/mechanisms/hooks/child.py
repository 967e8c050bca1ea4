"""A run in a process of its own, which is killed, or exits, before its sink has had a turn.

Started by importing it, not with -m: a hook of `__main__` would have another name, and another spool.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rookery.mechanisms.hooks import Hooks, Item, hooks_from
from rookery.mechanisms.runner import Runner
from tests.mechanisms.runner.tools import Emits, Table, sightings


def saving_in(table: Table) -> Hooks:
    """A hook that gets all items in one batch, at the end of the run."""

    def save(runner: Runner, items: list[Item]) -> None:
        table.upsert(items)

    return hooks_from(
        {"on_item": save}, batch_config={"save": {"batch_size": 100_000, "batch_interval": 3600}}
    )


def tell(runner: Runner, item: Item) -> None:
    sys.stdout.write(f"{item._uuid}\n")


def wait(runner: Runner) -> None:
    sys.stdout.flush()
    time.sleep(3600)


def leave(runner: Runner) -> None:
    os._exit(0)


def main(folder: Path, at_the_end: Callable[[Runner], None]) -> None:
    """Print the id of each of 5,050 items once it has been submitted."""
    hooks = saving_in(Table(folder / "items.db")) + hooks_from({"on_item": tell, "on_end": at_the_end})
    Emits(sightings(5_050), hooks=hooks, spool=folder / "spool").run()
