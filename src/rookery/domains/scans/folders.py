"""The folder of a run, data_dir/runs/RUN/: its files, and the lock that shows whether its process lives.

lock            held (flock) while the run's process lives: the kernel lets go of it, whatever kills that
metadata.json   plan, engine, times, counts: the run's row, for whoever has only the folder
items.ndjson    what the run emitted, a line of JSON each
run.log         what it said, a line each
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import Any

import msgspec

from rookery.base.redact import redact
from rookery.domains.scans.errors import BadRunId, RunIsAlive
from rookery.mechanisms.artifacts import ArtifactFolder

LOCK, METADATA, ITEMS, LOG = "lock", "metadata.json", "items.ndjson", "run.log"
LONGEST_ID = 64
RUN_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_ID - 1}}}")


def check_run_id(run_id: str) -> None:
    """Raise BadRunId for an id that could not be the name of a folder."""
    if not RUN_ID.fullmatch(run_id):
        raise BadRunId(f"{run_id[:80]!r} is no run id. {BadRunId.__doc__}")


class Held:
    """A held lock."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


class RunFolder:
    """Where one run keeps its files. Made for its user's eyes only. Raises BadRunId."""

    def __init__(self, data_dir: Path, run_id: str) -> None:
        check_run_id(run_id)
        self.run_id = run_id
        self.path = data_dir / "runs" / run_id

    def hold(self) -> Held:
        """Make the folder and hold its lock until that is closed. Raises RunIsAlive when another one does."""
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        if not _locked(descriptor):
            os.close(descriptor)
            raise RunIsAlive(f"{self.path.name}: {RunIsAlive.__doc__}")
        return Held(descriptor)

    @property
    def exists(self) -> bool:
        """Whether the run has left files here."""
        return self.path.is_dir()

    @property
    def is_held(self) -> bool:
        """Whether a living process holds the lock."""
        try:
            descriptor = os.open(self.path / LOCK, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _locked(descriptor)
        finally:
            os.close(descriptor)

    def write_metadata(self, document: dict[str, Any]) -> None:
        """Put a document in the place of the last one, whole or not at all; secrets are masked."""
        data = msgspec.json.format(msgspec.json.encode(redact(document), enc_hook=str), indent=2)
        unfinished = self.path / f".{METADATA}"
        unfinished.write_bytes(data + b"\n")
        unfinished.chmod(0o600)
        unfinished.replace(self.path / METADATA)

    def append(self, name: str, lines: bytes, limit: int) -> bool:
        """Add lines to a file until it has `limit` bytes; whether these were the last that fit."""
        if not self.exists:
            return False  # it has been pruned, or is another machine's
        descriptor = os.open(self.path / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            size = file.tell()
            if size >= limit:
                return False
            file.write(lines)
        return size + len(lines) >= limit

    @property
    def files(self) -> ArtifactFolder:
        """The files, without the lock."""
        return ArtifactFolder(self.path, hidden=frozenset({LOCK}))


def folders(data_dir: Path) -> list[RunFolder]:
    """The folders of all runs that have left files here."""
    place = data_dir / "runs"
    names = [each.name for each in os.scandir(place) if each.is_dir()] if place.is_dir() else []
    return [RunFolder(data_dir, name) for name in names if RUN_ID.fullmatch(name)]


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
