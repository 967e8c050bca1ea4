"""Taking over what dead processes left: their instance folders, found by their free locks."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING
from uuid import UUID

from rookery.mechanisms.writebehind.errors import SpoolError, UnknownFormat
from rookery.mechanisms.writebehind.frames import read_segment
from rookery.mechanisms.writebehind.ledger import Ledger
from rookery.mechanisms.writebehind.segment import SUFFIX
from rookery.mechanisms.writebehind.spool import instances, stillborn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rookery.mechanisms.writebehind.batch import Entry
    from rookery.mechanisms.writebehind.stats import Counts

QUARANTINE = "quarantine"
STILLBORN_SECONDS = 60.0


class Leftover:
    """The folder of one dead process, claimed by its lock. A Stream for Delivery."""

    recovered = True

    def __init__(self, folder: Path, counts: Counts, report: Callable[[SpoolError], None]) -> None:
        """Claim the folder; raises OSError if it is alive, gone, or not ours to read."""
        self.id = folder.name
        self._folder, self._counts, self._report = folder, counts, report
        self._ledger = Ledger(folder)
        self._is_whole = True
        self._open = 0

    def segments(self) -> Iterator[list[Entry]]:
        """The unacknowledged records, segment by segment.

        Damage is reported; the damaged segment is set aside.
        """
        for path in sorted(self._folder.glob("*" + SUFFIX)):
            try:
                yield self._read(path)
            except UnknownFormat as error:
                self._is_whole = False
                self._report(error)
                return  # acknowledging what came after it would acknowledge it, too

    def _read(self, path: Path) -> list[Entry]:
        reading = read_segment(path, UUID(self.id))
        if reading.faults:
            self._quarantine(path)
        for fault in reading.faults:
            self._counts.corrupt += 1
            self._report(fault)
        done = self._ledger.acknowledged
        return [entry for entry in reading.entries if entry[0] > done]

    def _quarantine(self, path: Path) -> None:
        """A second name in quarantine/: the records are still to be delivered from the first."""
        folder = self._folder.parent / QUARANTINE
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = folder / f"{self.id}-{path.name}"
        if not kept.exists():
            os.link(path, kept)

    def refused_before(self) -> frozenset[int]:
        """What the sink had refused when the process died: not to be tried again, the sink's cursor may be
        past it.
        """
        return frozenset(self._ledger.held)

    def begin(self, entries: int, coalesced: int) -> None:
        """So many records are about to be delivered; so many more had newer values beside them."""
        self._open += entries
        self._counts.inflight += entries
        self._counts.recovered += entries + coalesced
        self._counts.coalesced += coalesced

    def let_in(self) -> None:
        """What a dead process left takes no room."""

    def hold(self, seqs: list[int]) -> None:
        self._ledger.hold(seqs)

    def settle(self, entries: list[Entry], *, delivered: int, dead: int) -> None:
        self._ledger.acknowledge(entries[-1][0])
        self._counts.settle(delivered, dead)
        self._open -= delivered + dead

    def close(self, *, is_done: bool) -> bool:
        """Give the folder back, or delete it if all is settled; whether it was deleted."""
        is_done = is_done and self._is_whole
        self._counts.inflight -= self._open
        self._counts.recovered -= self._open
        if is_done:
            for path in self._folder.glob("*" + SUFFIX):
                path.unlink()
            shutil.rmtree(self._folder, ignore_errors=True)
        self._ledger.close()
        return is_done


def leftovers(
    spool: Path, skip: set[str], counts: Counts, report: Callable[[SpoolError], None]
) -> Iterator[Leftover]:
    """Claim what dead processes left, oldest first; a folder that cannot be claimed is somebody else's."""
    for folder in stillborn(spool):
        _remove_stillborn(folder)
    for folder in instances(spool):
        if folder.name not in skip:
            with contextlib.suppress(OSError):
                yield Leftover(folder, counts, report)


def _remove_stillborn(folder: Path) -> None:
    """A process died between making its folder and naming it: it had accepted nothing."""
    with contextlib.suppress(OSError):
        if time.time() - folder.stat().st_mtime > STILLBORN_SECONDS:
            Ledger(folder).close()
            shutil.rmtree(folder, ignore_errors=True)
