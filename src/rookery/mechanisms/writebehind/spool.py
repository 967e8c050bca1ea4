"""The spool of one queue instance: a folder of segments, bounded, locked while its process lives.

`<spool>/<stream uuid>/{lock, <base seq>.seg …, <n>.blank}`. Nothing is made before the first record.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections import deque
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from rookery.mechanisms.writebehind.errors import ItemTooLarge, SpoolFull
from rookery.mechanisms.writebehind.ledger import Ledger
from rookery.mechanisms.writebehind.segment import FRAME_SIZE, HEADER_SIZE, SUFFIX, Segment

if TYPE_CHECKING:
    from pathlib import Path

FIRST_SEGMENT = 1 << 20  # a command that writes three records should not reserve 16 MB
LARGEST_SEGMENT = 16 << 20
SMALLEST_SEGMENT = 64 << 10
UNBORN = "new-"


class Spool:
    """The writing side. Used under the queue's lock; the writer plans and prefaults without it."""

    def __init__(self, folder: Path, stream: str, budget: int) -> None:
        self.folder = folder / stream
        self._stream = UUID(stream)
        self._largest = max(SMALLEST_SEGMENT, min(LARGEST_SEGMENT, budget // 4))
        self._next_size = min(FIRST_SEGMENT, self._largest)
        self._budget = max(budget, 2 * self._largest)
        self._ledger: Ledger | None = None
        self._segment: Segment | None = None
        self._spare: Segment | None = None
        self._numbers = count()
        self._full: deque[tuple[int, Segment]] = deque()  # (last seq, segment), oldest first
        self._last = 0
        self.bytes = 0
        self.largest_item = self._largest - HEADER_SIZE - FRAME_SIZE

    def append(self, seq: int, payload: bytes) -> bool:
        """Write one record; False while the budget is used up. Raises SpoolFull, ItemTooLarge."""
        segment = self._segment
        if segment is None or not segment.append(seq, payload):
            segment = self._rotate(seq, payload)
            if segment is None:
                return False
        self._last = seq
        return True

    def prepare(self) -> None:
        """Make the first segment now, as the first append otherwise would. Raises SpoolFull."""
        if self._segment is None:
            self._open_segment(self._next_size, self._last + 1)

    def _rotate(self, seq: int, payload: bytes) -> Segment | None:
        if len(payload) > self.largest_item:
            raise ItemTooLarge(
                f"An item of {len(payload)} bytes; this spool takes {self.largest_item} at most."
            )
        size = max(self._next_size, -(-(len(payload) + HEADER_SIZE + FRAME_SIZE) // 4096) * 4096)
        segment = self._open_segment(min(size, self._largest), seq)
        if segment is not None:
            segment.append(seq, payload)
        return segment

    def _open_segment(self, size: int, seq: int) -> Segment | None:
        """Begin a segment with the record `seq`; None while the budget is used up."""
        try:
            segment = self._blank(size)
            if segment is None:
                return None
            segment.start(self._stream, seq)
        except OSError as error:
            message = f"The spool {self.folder} cannot grow: {error.strerror}.{_advice(error)}"
            raise SpoolFull(message) from error
        if self._segment is not None:
            self._full.append((self._last, self._segment))
        self._segment = segment
        self._next_size = min(2 * segment.size, self._largest)
        return segment

    def _blank(self, size: int) -> Segment | None:
        spare, self._spare = self._spare, None
        if spare is not None and spare.size >= size:
            return spare
        if spare is not None:
            self.bytes -= spare.size
            spare.discard()
        if self.bytes + size > self._budget and self.bytes > 0:
            return None
        self._be_born()
        segment = Segment(self._blank_path(), size)
        self.bytes += size
        return segment

    def _blank_path(self) -> Path:
        return self.folder / f"{next(self._numbers)}.blank"

    def _be_born(self) -> None:
        """Lock first, name afterwards: no recovery elsewhere ever finds the folder without an owner.

        Ctrl-C may break it off anywhere: the next call goes on from there.
        """
        unborn = self.folder.with_name(UNBORN + self.folder.name)
        if self._ledger is None:
            unborn.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._ledger = Ledger(unborn)
        if unborn.exists():
            unborn.rename(self.folder)

    def acknowledge(self, seq: int) -> list[Segment]:
        """All up to `seq` is done.

        Returns the segments that are no longer needed; discard() them off the lock.
        """
        if self._ledger is not None:
            self._ledger.acknowledge(seq)
        done = []
        while self._full and self._full[0][0] <= seq:
            done.append(self._full.popleft()[1])
            self.bytes -= done[-1].size
        return done

    def hold(self, seqs: list[int]) -> None:
        """Remember refused items across a crash, before the sink's cursor can pass them."""
        if self._ledger is not None:
            self._ledger.hold(seqs)

    def plan_spare(self) -> tuple[Path, int] | None:
        """Path and size of the segment to allocate ahead of need, if it is time."""
        segment = self._segment
        if segment is None or self._spare is not None or segment.position <= segment.size // 2:
            return None
        if self.bytes + self._next_size > self._budget:
            return None
        return self._blank_path(), self._next_size

    def adopt_spare(self, spare: Segment) -> bool:
        """Keep it for the next rotation; False if meanwhile the budget was used otherwise."""
        if self.bytes + spare.size > self._budget:
            return False
        self._spare = spare
        self.bytes += spare.size
        return True

    def prefault(self) -> None:
        """Map pages ahead of the producers."""
        segment = self._segment
        if segment is not None:
            segment.prefault()

    def is_linked(self) -> bool:
        """False once somebody has removed the folder or the segment under the running process."""
        return self._segment is None or self._segment.path.exists()

    def _segments(self) -> list[Segment]:
        parts = [segment for _, segment in self._full] + [self._segment, self._spare]
        return [segment for segment in parts if segment is not None]

    def release(self) -> None:
        """Unmap and unlock; the files stay for the next process.

        Also what a forked child does with its copy.
        """
        for segment in self._segments():
            segment.close()
        self._full.clear()
        self._segment = self._spare = None
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        self.bytes = 0

    def remove(self) -> None:
        """All is delivered: delete the folder, segments first, lock last."""
        if self._ledger is None:
            return
        for segment in self._segments():
            with contextlib.suppress(OSError):
                segment.path.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()


def _advice(error: OSError) -> str:
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return " Free some space." if is_full else " Its folder must be writable."


def has_leftovers(spool: Path) -> bool:
    """Whether any instance folder holds a segment: of a dead process, or of one that still writes.

    Takes no lock.
    """
    return any(next(folder.glob("*" + SUFFIX), None) is not None for folder in instances(spool))


def instances(spool: Path) -> list[Path]:
    """The folders of all instances, oldest first: UUIDv7 names sort by birth."""
    try:
        return sorted(path for path in spool.iterdir() if len(path.name) == 36 and path.is_dir())
    except OSError:  # not there yet, or not ours to read: then put says so
        return []


def stillborn(spool: Path) -> list[Path]:
    """Folders of instances that died, or have not come far enough yet, to be named."""
    return list(spool.glob(UNBORN + "*"))
