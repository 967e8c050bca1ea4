"""The reading side of segments: every intact record, whatever happened to the bytes around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID
from zlib import crc32

from rookery.mechanisms.writebehind.errors import CorruptRecord, UnknownFormat
from rookery.mechanisms.writebehind.segment import (
    FRAME,
    FRAME_SIZE,
    HEADER,
    HEADER_SIZE,
    MAGIC,
    VERSION,
    salt_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rookery.mechanisms.writebehind.batch import Entry

BLOCK = 4096
EMPTY_BLOCK = bytes(BLOCK)


@dataclass(slots=True)
class Reading:
    """What a segment holds, and what is wrong with it."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[CorruptRecord] = field(default_factory=list)


def read_segment(path: Path, stream: UUID) -> Reading:
    """All intact records of a segment, by any format version ever written.

    Raises UnknownFormat for a newer one.
    """
    data = path.read_bytes()
    reading = Reading()
    if not data.strip(b"\0"):
        return reading
    version = _version(path, data, reading)
    reader = READERS.get(version)
    if reader is None:
        raise UnknownFormat(
            f"{path} has spool format {version}; this Rookery reads up to {VERSION}. "
            "Start the version that wrote it."
        )
    reader(path, data, stream, reading)
    return reading


def _version(path: Path, data: bytes, reading: Reading) -> int:
    """From the header; a damaged header costs nothing, since name and folder tell the rest."""
    if len(data) >= HEADER.size + 4 and data[:4] == MAGIC:
        version = HEADER.unpack_from(data)[1]
        if crc32(data[: HEADER.size]).to_bytes(4, "little") == data[HEADER.size : HEADER.size + 4]:
            return int(version)
    reading.faults.append(CorruptRecord(f"{path}: the header is damaged; reading on as format {VERSION}."))
    return VERSION


def _read_version_1(path: Path, data: bytes, stream: UUID, reading: Reading) -> None:
    base = int(path.stem, 16)
    salt = salt_of(stream, base)
    at, previous = HEADER_SIZE, -1
    while True:
        found = _frame(data, at, salt, previous)
        if found is None:
            skipped, at = at, _resync(data, at, salt, previous)
            if at < 0 and not _is_damage(data, skipped):
                return
            reading.faults.append(_fault(path, base, previous, skipped, at))
            if at < 0:
                return
            continue
        length, delta = found
        reading.entries.append((base + delta, data[at + FRAME_SIZE : at + length]))
        at, previous = (at + length + 7) & -8, delta


def _frame(data: bytes, at: int, salt: int, previous: int) -> tuple[int, int] | None:
    """Length and delta of an intact frame at this place."""
    if at + FRAME_SIZE > len(data):
        return None
    length, checksum, delta = FRAME.unpack_from(data, at)
    if length < FRAME_SIZE or at + length > len(data) or delta <= previous:
        return None
    if crc32(data[at + FRAME_SIZE : at + length], salt ^ delta) != checksum:
        return None
    return length, delta


def _resync(data: bytes, at: int, salt: int, previous: int) -> int:
    """The next place with an intact frame, or -1."""
    at += 8
    while at + FRAME_SIZE <= len(data):
        if data[at : at + BLOCK] == EMPTY_BLOCK:
            at += BLOCK
        elif _frame(data, at, salt, previous) is not None:
            return at
        else:
            at += 8
    return -1


def _is_damage(data: bytes, at: int) -> bool:
    """At the end: a frame header that is not zero was committed once, so its record has been damaged since.

    Payload without a header is a record that the dying process had not finished, and had not acknowledged.
    """
    return bool(data[at : at + FRAME_SIZE].strip(b"\0"))


def _fault(path: Path, base: int, previous: int, start: int, end: int) -> CorruptRecord:
    where = f"bytes {start} to {end}" if end >= 0 else f"byte {start} to the end"
    last = base + previous if previous >= 0 else base - 1
    return CorruptRecord(
        f"{path}: {where} are damaged: what was recorded there after number {last} was skipped. "
        "The segment is kept in quarantine."
    )


READERS: dict[int, Callable[[Path, bytes, UUID, Reading], None]] = {1: _read_version_1}
