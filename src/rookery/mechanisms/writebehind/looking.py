"""Looking into spools without touching them: what waits there, whose it is, what of it is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from rookery.mechanisms.writebehind.errors import SpoolError
from rookery.mechanisms.writebehind.frames import read_segment
from rookery.mechanisms.writebehind.ledger import LOCK, peek
from rookery.mechanisms.writebehind.segment import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rookery.mechanisms.writebehind.batch import Entry


class Found(NamedTuple):
    """What one process has left, or still writes: the records its sink has not confirmed, oldest first.

    `name` is the folder of its queue, below the one that was looked at; `faults` has a line for each damage.
    """

    name: str
    stream: str
    is_alive: bool
    bytes: int
    waiting: list[Entry]
    faults: list[str]


def look(folder: Path) -> Iterator[Found]:
    """Every instance in any spool below a folder. Those of living processes change while one looks."""
    for lock in sorted(folder.rglob(LOCK)):
        if len(lock.parent.name) == 36:
            try:
                yield _found(folder, lock.parent)
            except FileNotFoundError:  # delivered, and removed, just now
                continue


def _found(folder: Path, instance: Path) -> Found:
    acknowledged, is_alive = peek(instance)
    waiting: list[Entry] = []
    faults: list[str] = []
    size = 0
    for path in sorted(instance.glob("*" + SUFFIX)):
        size += path.stat().st_size
        try:
            reading = read_segment(path, UUID(instance.name))
        except SpoolError as error:
            faults.append(str(error))
            continue
        waiting += [entry for entry in reading.entries if entry[0] > acknowledged]
        faults += [str(fault) for fault in reading.faults]
    name = str(instance.parent.relative_to(folder))
    return Found(name, instance.name, is_alive, size, waiting, faults)
