"""The whole house is killed at random: its log verifies, and all that it acknowledged is there."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rookery import app
from rookery.demo import WeakServer
from rookery.domains.audit.rules import AuditEntry
from rookery.mechanisms.writebehind import has_leftovers
from tests.crash.rounds import read_some
from tests.patience import PATIENCE

CHILD = Path(__file__).with_name("house_child.py")
ENTRIES = 5_000
TARGETS = 254
LONGEST_LIFE = 0.5  # seconds after the first acknowledgement


@dataclass
class House:
    """A data directory that outlives every process, and what they said about it."""

    data_dir: Path
    acknowledged: dict[str, set[str]] = field(default_factory=lambda: {"entry": set(), "finding": set()})

    def start(self, *arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, cwd=self.data_dir)

    def rookery(self, *arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        return self.start("-m", "rookery", "--data-dir", str(self.data_dir), *arguments, stderr=stderr)

    def live_and_die(self, process: subprocess.Popen[bytes], *, is_silent: bool = False) -> list[str]:
        """Kill at a random moment after its first line, or, of a command that says nothing, of its life."""
        first = b"" if is_silent else read_some(process)
        time.sleep(random.uniform(0.3, 1.0) if is_silent else random.uniform(0, LONGEST_LIFE))
        process.kill()
        rest, _ = process.communicate(timeout=PATIENCE)
        return (first + rest).decode().split("\n")[:-1]

    def keep(self, lines: list[str]) -> None:
        for line in lines:
            kind, _, name = line.partition(" ")
            self.acknowledged[kind].add(name)


@pytest.fixture
def house(sqlite_url: str, data_dir: Path) -> House:
    return House(data_dir)


def assert_whole(house: House) -> None:
    """As the next process finds it; it delivers what the dead left."""
    with app.open(house.data_dir, actor="afterwards") as rook:
        assert rook.audit.verify().is_intact
        stored = {entry.id for entry in all_entries(rook)}
        found = {finding.template_id for finding in rook.findings.list(limit=1_000_000)}
    assert house.acknowledged["entry"] <= stored
    assert house.acknowledged["finding"] <= found
    for spool in (house.data_dir / "spool" / "audit", *(house.data_dir / "spool" / "hooks").glob("*")):
        assert not has_leftovers(spool)
        assert not (spool / "dead.jsonl").exists()


def all_entries(rook: app.Rook) -> list[AuditEntry]:
    pages = [rook.audit.list(fresh=True, limit=1_000)]
    while pages[-1]:
        pages.append(rook.audit.list(limit=1_000, before=pages[-1][-1].position))
    return [entry for page in pages for entry in page]


def test_entries_and_findings_of_killed_programs_are_all_there(house: House) -> None:
    for number in range(6):
        program = house.start(str(CHILD), str(house.data_dir), f"r{number}", str(ENTRIES))
        house.keep(house.live_and_die(program))
    assert len(house.acknowledged["entry"]) > 100
    assert len(house.acknowledged["finding"]) > 100
    assert_whole(house)


def test_one_program_that_lives_leaves_all_of_both(house: House) -> None:
    program = house.start(str(CHILD), str(house.data_dir), "whole", str(ENTRIES))
    out, err = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, err.decode()
    house.keep(out.decode().splitlines())
    assert {kind: len(names) for kind, names in house.acknowledged.items()} == {
        "entry": ENTRIES,
        "finding": ENTRIES,
    }
    assert_whole(house)


def test_killed_commands_leave_what_they_said_and_a_log_that_verifies(
    house: House, weak_server: WeakServer
) -> None:
    """Scans, changes of the scope and a pruning, each killed at a random moment, the next upon it at once."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    shown: list[str] = []
    added: list[str] = []
    for number in range(3):
        scan = house.rookery("scan", weak_server.url, "--jsonl", "--rate-limit", "100")
        shown += [json.loads(line)["finding_id"] for line in house.live_and_die(scan)]
        networks = [f"10.{number}.{each}.0/24" for each in range(TARGETS)]
        adding = house.rookery("scope", "add", *networks, stderr=subprocess.STDOUT)
        added += [line.partition(" ")[0] for line in house.live_and_die(adding)]
        house.live_and_die(house.rookery("audit", "prune", "--before", tomorrow, "--yes"), is_silent=True)
    assert_whole(house)
    with app.open(house.data_dir) as rook:
        assert set(shown) <= {finding.id for finding in rook.findings.list(limit=1_000)}
        assert set(added) <= {row.entry for row in rook.scans.scope_entries()}
    assert shown
    assert added
