"""A change and its audit entry are both durable, or neither is: whatever is killed, however full the disk."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from rookery import app
from rookery.mechanisms.writebehind import has_leftovers
from tests.patience import PATIENCE

CHILD = Path(__file__).with_name("change_child.py")


def kept(data_dir: Path) -> tuple[set[str], list[str]]:
    """The scope, and the objects of all entries about it, as the next process finds them."""
    with app.open(data_dir, actor="afterwards") as rook:
        scope = {row.entry for row in rook.scans.scope_entries()}
        entries = rook.audit.list(fresh=True, limit=1_000, event_type="scope.added")
        assert rook.audit.verify().is_intact
        with rook.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM audit_outbox")) == 0
    assert not has_leftovers(data_dir / "spool" / "audit")
    return scope, sorted(entry.object for entry in entries)


@pytest.mark.parametrize("world", ["sync", "async"])
@pytest.mark.parametrize(("moment", "is_done"), [("before_commit", False), ("after_commit", True)])
def test_killed_on_either_side_of_the_commit(
    sqlite_url: str, data_dir: Path, world: str, moment: str, is_done: bool
) -> None:
    command = [sys.executable, str(CHILD), str(data_dir), moment, world, "10.0.0.0/8"]
    died = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    expected = ["10.0.0.0/8"] if is_done else []
    assert kept(data_dir) == (set(expected), expected)


def add_with_files_of_at_most(size: int, data_dir: Path, network: str) -> subprocess.CompletedProcess[str]:
    """No file grows beyond so many bytes, as if the disk were full."""
    command = [sys.executable, "-m", "rookery", "--data-dir", str(data_dir), "scope", "add", network]
    return subprocess.run(
        command,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_on_a_disk_that_is_full_at_any_point(sqlite_url: str, data_dir: Path) -> None:
    """From one on which nothing is stored to one with room for the database and none for the spool."""
    refused: set[str] = set()
    added: set[str] = set()
    for number, size in enumerate((0, 8, 24, 32, 64, 512, 1_500)):
        network = f"10.{number}.0.0/16"
        done = add_with_files_of_at_most(size * 1024, data_dir, network)
        assert "Traceback" not in done.stderr
        assert (done.returncode == 0) == (f"{network} is in the scope now" in done.stderr)
        (added if done.returncode == 0 else refused).add(network)
        scope, objects = kept(data_dir)
        assert sorted(scope) == objects, size
        assert added <= scope
    assert refused & scope == set()
    assert added
    assert refused
