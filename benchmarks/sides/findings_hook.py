"""Findings to SQLite through a runner and its batched hook, spool on: what Rookery does.

`python -m benchmarks.sides.findings_hook COUNT` prints a Measured as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from benchmarks.sides.findings_table import FindingsTable
from benchmarks.sides.measure import content, measured
from rookery.mechanisms.hooks import Hooks, Item, hooks_from
from rookery.mechanisms.runner import Runner


class Weakness(Item):
    _identity = ("url", "severity")

    url: str
    severity: str
    evidence: str


class Finds(Runner):
    """Emits synthetic findings as fast as it can."""

    count: int

    async def produce(self) -> AsyncIterator[Item]:
        for number in range(self.count):
            yield Weakness(**content(number))


def saving_in(table: FindingsTable) -> Hooks:
    def save(runner: Runner, items: list[Item]) -> None:  # noqa: ARG001 - the signature of a hook
        table.upsert([(item._uuid, msgspec.json.encode(item)) for item in items])

    return hooks_from({"on_item": save}, batch_config={"save": {"batch_size": 100, "largest_batch": 1000}})


def store(count: int, folder: Path) -> int:
    """Store that many findings; how many are there."""
    table = FindingsTable(folder / "findings.db")
    runner = Finds(hooks=saving_in(table), spool=folder / "spool")
    runner.count = count
    summary = runner.run()
    assert summary.status == "success", summary
    stored = table.count()
    table.close()
    return stored


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measured(lambda: store(int(sys.argv[1]), Path(scratch)))))
