"""One life of a process: start it, kill it, remember what it acknowledged; and what must then be true."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection, text

from rookery.mechanisms.store import open_engine
from rookery.mechanisms.writebehind import Batch, BatchQueue, has_leftovers
from rookery.mechanisms.writebehind.sql import sql_sink
from tests.patience import PATIENCE

CHILD = Path(__file__).with_name("child.py")
LONGEST_LIFE = 0.12  # seconds after the first acknowledgement


@dataclass
class Household:
    """The spool and the database that outlive every process."""

    spool: Path
    database: Path
    acknowledged: list[str] = field(default_factory=list)

    def start(self, label: str, mode: str) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, str(CHILD), str(self.spool), str(self.database), label, mode]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def live_and_die(self, label: str, mode: str, *, by: signal.Signals = signal.SIGKILL) -> list[str]:
        """Kill at a random moment after the first line; every line that was printed."""
        process = self.start(label, mode)
        first = read_some(process)
        time.sleep(random.uniform(0, LONGEST_LIFE))
        process.send_signal(by)
        return self.bury(process, first)

    def live_until_line(self, label: str, mode: str, start: bytes) -> list[str]:
        """Kill at a random moment after a line that starts so."""
        process = self.start(label, mode)
        seen = b""
        while b"\n" + start not in seen:
            seen += read_some(process)
        time.sleep(random.uniform(0, LONGEST_LIFE / 10))
        process.kill()
        return self.bury(process, seen)

    def live(self, label: str, mode: str) -> tuple[list[str], int | None]:
        """Let it end by itself; its lines and its exit status."""
        process = self.start(label, mode)
        lines = self.bury(process, b"")
        return lines, process.returncode

    def bury(self, process: subprocess.Popen[bytes], seen: bytes) -> list[str]:
        """Wait for the end, and keep the lines that acknowledge an item."""
        out, _ = process.communicate(timeout=PATIENCE)
        lines = (seen + out).decode().split("\n")[:-1]
        self.acknowledged += [line for line in lines if line.endswith((":item", ":poison"))]
        return lines

    def restart(self) -> None:
        """A new process would do this: open the queue, which takes over what the dead left."""
        engine = open_engine(f"sqlite:///{self.database}")
        try:
            with BatchQueue(
                sql_sink(engine, _store), name="crash", spool=self.spool, largest_batch=2_000
            ) as queue:
                assert queue.flush(PATIENCE)
        finally:
            engine.dispose()

    def arrived(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as database:
            return [item for (item,) in database.execute("SELECT item FROM arrivals ORDER BY place")]

    def dead(self) -> list[str]:
        file = self.spool / "dead.jsonl"
        return [json.loads(line)["text"] for line in file.read_text().splitlines()] if file.exists() else []


def found_a_household(root: Path, template: Path) -> Household:
    database = root / "rookery.db"
    database.write_bytes(template.read_bytes())
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE arrivals (place INTEGER PRIMARY KEY, item TEXT NOT NULL)")
        connection.commit()
    return Household(root / "spool", database)


def assert_exactly_once(household: Household) -> None:
    """All that was acknowledged is in the sink, nothing is twice, each producer's items are in order."""
    arrived = household.arrived()
    assert len(arrived) == len(set(arrived)), "an item arrived twice"
    missing = {item for item in household.acknowledged if not item.endswith("poison")} - set(arrived)
    assert not missing, f"{len(missing)} acknowledged items were lost, such as {min(missing)}"
    for label, items in groupby(sorted(arrived, key=_label), _label):
        numbers = [int(item.split(":")[1]) for item in items]
        assert numbers == sorted(numbers), f"the items of {label} arrived out of order"
    assert not has_leftovers(household.spool)


def _label(item: str) -> str:
    return item.split(":")[0]


def _store(connection: Connection, batch: Batch[bytes]) -> None:
    items = [item.decode() for item in batch]
    if any("poison" in item for item in items):
        raise ValueError("a poison item")
    connection.execute(text("INSERT INTO arrivals (item) VALUES (:item)"), [{"item": item} for item in items])


def read_some(process: subprocess.Popen[bytes]) -> bytes:
    """What it prints next, past any buffer that communicate() would not see."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "the child said nothing"
    chunk = os.read(process.stdout.fileno(), 1 << 16)
    if not chunk:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read().decode())
    return chunk
