"""The ledger of a spool: how far the sink has got, kept where it survives the death of the process.

The file `lock` of an instance folder, locked (flock) while its process lives, memory-mapped: u64 acknowledged
sequence number, u64 its complement, u64 count of refused items under judgement, then their numbers.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOCK = "lock"
MASK = (1 << 64) - 1
SLOTS = 2045
NOWHERE = -1
SIZE = 8 * (SLOTS + 3)
# Native order and size: each number is one 8-byte store, which a kill cannot tear.
_PAIR = struct.Struct("@QQ")
_WORD = struct.Struct("@Q")


class Ledger:
    """Owner of one instance folder: holds its lock and its acknowledgements."""

    def __init__(self, folder: Path) -> None:
        """Lock the folder; raises BlockingIOError if a living process owns it, FileNotFoundError if it is
        gone.
        """
        self._handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock()
            self._memory = mmap.mmap(self._handle, SIZE)
        except BaseException:
            os.close(self._handle)
            raise

    def _lock(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(self._handle)
        if status.st_nlink == 0:
            raise FileNotFoundError("another process has recovered and removed the folder")
        if status.st_size < SIZE:
            os.pwrite(self._handle, _PAIR.pack(0, MASK).ljust(SIZE, b"\0"), 0)

    @property
    def acknowledged(self) -> int:
        """All up to this number is done. Zero if the page was damaged: then the sink's own cursor decides."""
        seq, complement = _PAIR.unpack_from(self._memory, 0)
        return int(seq) if seq == complement ^ MASK else 0

    def acknowledge(self, seq: int) -> None:
        _PAIR.pack_into(self._memory, 0, seq, seq ^ MASK)

    @property
    def held(self) -> tuple[int, ...]:
        """Refused items, neither dead letters yet nor to be tried again after a crash."""
        count = min(_WORD.unpack_from(self._memory, 16)[0], SLOTS)
        return struct.unpack_from(f"@{count}Q", self._memory, 24)

    def hold(self, seqs: Sequence[int]) -> None:
        """Remember up to SLOTS numbers. Count last: a kill in between leaves what was held before."""
        struct.pack_into(f"@{len(seqs)}Q", self._memory, 24, *seqs)
        _WORD.pack_into(self._memory, 16, len(seqs))

    def close(self) -> None:
        """Let go of the lock.

        Closing, not unlocking: a forked child closes its copy and the parent keeps the lock.
        """
        handle, self._handle = self._handle, NOWHERE
        if handle != NOWHERE:
            self._memory.close()
            os.close(handle)

    def __del__(self) -> None:
        """Ctrl-C may lose a new ledger before anybody holds it; its lock must not stay."""
        if hasattr(self, "_memory"):
            self.close()


def peek(folder: Path) -> tuple[int, bool]:
    """How far the sink has got, and whether a living process owns the folder. Keeps no lock."""
    handle = os.open(folder / LOCK, os.O_RDONLY)
    try:
        seq, complement = _PAIR.unpack(os.pread(handle, _PAIR.size, 0).ljust(_PAIR.size, b"\0"))
        return int(seq) if seq == complement ^ MASK else 0, not _is_free(handle)
    finally:
        os.close(handle)


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
