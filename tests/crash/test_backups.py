"""Backups are killed at random: what was acknowledged is there, whole, and once in the Git mirror.

So are moves and deletions of devices: their files stand where they belong, or nowhere.
"""

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
from rookery.domains.backups.texts import StoredConfigurations
from tests.crash.rounds import read_some
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet, ios
from tests.domains.backups.git.conftest import commit
from tests.patience import PATIENCE

CHILD = Path(__file__).with_name("backup_child.py")
MOVER = Path(__file__).with_name("mirror_child.py")
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


def live_and_die(*command: Path) -> list[str]:
    """Kill a program at random; the lines it has written."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE)
    first = read_some(process)
    time.sleep(random.uniform(0, LONGEST_LIFE))
    process.kill()
    rest, _ = process.communicate(timeout=PATIENCE)
    return (first + rest).decode().split("\n")[:-1]


def git(repository: Path, *words: str) -> list[str]:
    """The lines that Git says of a repository."""
    command = ["git", f"--git-dir={repository}", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.splitlines()


def trailers(repository: Path) -> list[str]:
    """What the commits say which version of which device is where, the oldest first."""
    said = git(repository, "log", "--reverse", "--format=%(trailers:key=Rookery-Version,valueonly)", "main")
    return [line for line in said if line]


def commits(repository: Path) -> list[int]:
    """The numbers of the versions that are committed, the oldest first."""
    return [int(line.split()[1]) for line in trailers(repository)]


def test_whatever_is_killed_every_acknowledged_version_is_whole_and_once_in_the_mirror(
    sqlite_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_BACKUPS__MIRROR", "mirror.git")
    one = device()
    with fleet([one]), changing(one):
        with rookery.open(data_dir) as rook:
            rook.credentials.create("lab", "admin", password=PASSWORD)
            rook.devices.create("r1", "127.0.0.1", "ios", port=one.port)
        said = [line for _ in range(ROUNDS) for line in live_and_die(CHILD, data_dir)]
    acknowledged = [int(line.split()[1]) for line in said]
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
    git(data_dir / "mirror.git", "fsck", "--strict")


def test_whatever_is_killed_the_file_of_a_device_is_where_it_belongs_or_gone_with_it(
    sqlite_url: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_BACKUPS__MIRROR", "mirror.git")
    mirror, kept = data_dir / "mirror.git", tmp_path / "oxidized"
    kept.mkdir()
    commit(kept, 1, r1=configuration())
    for _ in range(ROUNDS):
        live_and_die(MOVER, data_dir, kept)
        with rookery.open(data_dir) as rook:
            rook.backups.mirror()
            assert rook.backups.mirror() == 0
            backed_up = StoredConfigurations(rook.config).names("*")
            wanted = [f"{each.site}/r1.cfg" for each in rook.devices.list() if each.name in backed_up]
        assert git(mirror, "ls-tree", "-r", "--name-only", "main") == wanted
    assert len(set(trailers(mirror))) == len(trailers(mirror))
    git(mirror, "fsck", "--strict")
