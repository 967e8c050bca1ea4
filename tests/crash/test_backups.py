"""Backups are killed at random: what was acknowledged is there, whole, and once in the Git mirror."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import rookery
from rookery.demo.fleet import SimulatedDevice
from tests.crash.rounds import read_some
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet, ios
from tests.patience import PATIENCE

CHILD = Path(__file__).with_name("backup_child.py")
ROUNDS = 12
LONGEST_LIFE = 2.0  # seconds after the first version; the mirror follows after one


@contextmanager
def changing(one: SimulatedDevice) -> Iterator[None]:
    """A device whose configuration never stays the same."""
    over = threading.Event()

    def change() -> None:
        number = 0
        while not over.wait(0.005):
            number += 1
            one.script = ios(text=configuration(more=f"ntp server 10.{number // 250}.0.{number % 250}\n"))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def live_and_die(data_dir: Path) -> list[int]:
    """Kill a program that takes backups; the versions it has acknowledged."""
    process = subprocess.Popen([sys.executable, CHILD, data_dir], stdout=subprocess.PIPE)
    first = read_some(process)
    time.sleep(random.uniform(0, LONGEST_LIFE))
    process.kill()
    rest, _ = process.communicate(timeout=PATIENCE)
    return [int(line.split()[1]) for line in (first + rest).decode().split("\n")[:-1]]


def commits(repository: Path) -> list[int]:
    """The numbers of the versions that are committed, the oldest first."""
    command = [
        "git",
        f"--git-dir={repository}",
        "log",
        "--reverse",
        "--format=%(trailers:key=Rookery-Version)",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    return [int(line.split()[2]) for line in said.splitlines() if line]


def test_whatever_is_killed_every_acknowledged_version_is_whole_and_once_in_the_mirror(
    sqlite_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_BACKUPS__MIRROR", "mirror.git")
    one = device()
    with fleet([one]), changing(one):
        with rookery.open(data_dir) as rook:
            rook.credentials.create("lab", "admin", password=PASSWORD)
            rook.devices.create("r1", "127.0.0.1", "ios", port=one.port)
        acknowledged = [number for _ in range(ROUNDS) for number in live_and_die(data_dir)]
    assert commits(data_dir / "mirror.git")
    with rookery.open(data_dir) as rook:
        rook.backups.mirror()
        stored = [each.number for each in reversed(rook.backups.versions("r1", limit=10_000))]
        texts = [rook.backups.text("r1", number) for number in stored]
        assert rook.audit.verify().is_intact
    assert stored == list(range(1, len(stored) + 1))
    assert set(acknowledged) <= set(stored)
    assert all(text.endswith("end\n") for text in texts)
    assert commits(data_dir / "mirror.git") == stored
    subprocess.run(["git", f"--git-dir={data_dir / 'mirror.git'}", "fsck", "--strict"], check=True)
