"""The witness: the last checkpoint, kept in a file outside the database.

Whoever can cut entries off the end of the database can cut their checkpoints too; this file then still knows
how many there were. It is replaced as a whole and synced to disk after each commit, and only by a checkpoint
of more entries. One file per database, in `<data_dir>/audit/`; a copy of it on another machine is worth more.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rookery.domains.audit.checkpoints import FORMAT, Checkpoint

if TYPE_CHECKING:
    from sqlalchemy import URL

_LARGEST: Final = 10_000  # bytes
_LINES = re.compile(
    rf"{FORMAT} checkpoint\nsize (\d{{1,18}})\nhead ([0-9a-f]{{64}})\nat_us (\d{{1,18}})\n"
    r"previous ([0-9a-f]{64})\nkey ([0-9a-f]{16})\nsignature ([0-9a-f]{128})\n"
)


class Witness:
    """The file that holds the last checkpoint of one database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Checkpoint | None:
        """The checkpoint in the file; None when there is no file, or no whole checkpoint in it."""
        try:
            with self.path.open("rb", buffering=0) as file:
                found = _LINES.fullmatch(file.read(_LARGEST).decode("ascii", "replace"))
        except FileNotFoundError:
            return None
        if found is None:
            return None
        size, head, at_us, previous, key_id, signature = found.groups()
        return Checkpoint(
            int(size),
            bytes.fromhex(head),
            int(at_us),
            bytes.fromhex(previous),
            key_id,
            bytes.fromhex(signature),
        )

    def advance(self, checkpoint: Checkpoint) -> None:
        """Keep this checkpoint, unless the file already holds one of as many entries. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.path.parent):
            known = self.read()
            if known is None or known.size < checkpoint.size:
                self._replace(checkpoint.body + f"signature {checkpoint.signature.hex()}\n".encode())

    def _replace(self, content: bytes) -> None:
        draft = self.path.with_suffix(".new")
        with draft.open("wb", buffering=0) as file:
            file.write(content)
            os.fsync(file.fileno())
        draft.replace(self.path)


def witness_of(url: URL, data_dir: Path) -> Witness:
    """The witness of a database. SQLite's goes by the file's name, so that both may be moved together."""
    if url.get_backend_name() == "sqlite":
        return Witness(data_dir / "audit" / f"{Path(str(url.database)).name}.checkpoint")
    identity = f"{url.host}:{url.port}/{url.database}?{url.query.get('host', '')}"
    return Witness(data_dir / "audit" / f"{sha256(identity.encode()).hexdigest()[:16]}.checkpoint")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
