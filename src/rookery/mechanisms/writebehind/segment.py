"""One segment: a preallocated, memory-mapped file of framed, checksummed records. Format version 1.

Header, 64 bytes, little-endian: magic "RKWB", u16 version, u16 zero, 16 bytes stream (UUID), u64 base
sequence number, u64 birth in µs, u32 salt, u32 CRC-32 of the 44 bytes before, zeros. A file of zeros was
never used.

Frame, at a multiple of 8: u32 frame length without padding, u32 CRC-32 of the payload seeded with salt ^
delta, u32 delta of the sequence number from the base, payload. Length 0 ends the segment. The payload is
copied before the header: a process killed between the two leaves no frame, so a frame with a bad checksum is
damage, not haste.

Why memory-mapped: the copy needs no system call and never lets go of the interpreter lock; a producer behind
a CPU-bound thread would wait 5 ms to get it back. The pages belong to the kernel from then on and survive
the death of the process (not of the machine).
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING
from zlib import crc32

from rookery.base.clock import now_us

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

MAGIC = b"RKWB"
VERSION = 1
HEADER = struct.Struct("<4sHH16sQQI")
HEADER_SIZE = 64
FRAME = struct.Struct("<III")
FRAME_SIZE = FRAME.size
SUFFIX = ".seg"
MADV_POPULATE_WRITE = 23  # Linux 5.14; the mmap module has no name for it
PREFAULT_STEP = 128 << 10
PREFAULT_AHEAD = 2 << 20

_pack_frame = FRAME.pack_into


def salt_of(stream: UUID, base: int) -> int:
    """Derived, so that a segment whose header is damaged can still be read by its name."""
    return crc32(base.to_bytes(8, "little"), crc32(stream.bytes))


def name_of(base: int) -> str:
    """Names sort in the order of sequence numbers."""
    return f"{base:016x}{SUFFIX}"


class Segment:
    """The writing side of a segment: `append` is called by producers, all else by whoever rotates."""

    __slots__ = ("_memory", "_prefaulted", "_salt", "base", "path", "position", "size")

    def __init__(self, path: Path, size: int) -> None:
        """Create and allocate the file; raises OSError where the disk is full, and leaves nothing behind."""
        self.path, self.size = path, size
        self.base = self._salt = 0
        self.position, self._prefaulted = HEADER_SIZE, 0
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            allocate(handle, size)
            self._memory = mmap.mmap(handle, size)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    def start(self, stream: UUID, base: int) -> None:
        """Give the blank file its name and header; from here on it holds records from `base` upwards."""
        path = self.path.with_name(name_of(base))
        self.path.rename(path)
        self.path, self.base, self._salt = path, base, salt_of(stream, base)
        head = HEADER.pack(MAGIC, VERSION, 0, stream.bytes, base, now_us(), self._salt)
        self._memory[: len(head) + 4] = head + crc32(head).to_bytes(4, "little")

    def append(self, seq: int, payload: bytes) -> bool:
        """Copy one record into the map; False if it does not fit."""
        start = self.position
        end = start + FRAME_SIZE + len(payload)
        if end > self.size:
            return False
        memory = self._memory
        memory[start + FRAME_SIZE : end] = payload
        delta = seq - self.base
        _pack_frame(memory, start, end - start, crc32(payload, self._salt ^ delta), delta)
        self.position = (end + 7) & -8
        return True

    def prefault(self) -> None:
        """Have the kernel map the next pages now, in the caller's thread instead of a producer's."""
        start = max(self._prefaulted, self.position & -mmap.PAGESIZE)
        end = min(self.size, self.position + PREFAULT_AHEAD)
        try:
            for at in range(start, end, PREFAULT_STEP):
                self._memory.madvise(MADV_POPULATE_WRITE, at, min(PREFAULT_STEP, end - at))
        except (OSError, AttributeError):
            end = self.size  # an older kernel or another system: pages come one by one, a little slower
        self._prefaulted = max(self._prefaulted, end & -mmap.PAGESIZE)

    def close(self) -> None:
        """Unmap; the file stays."""
        self._memory.close()

    def discard(self) -> None:
        """Unmap and delete."""
        self.close()
        self.path.unlink(missing_ok=True)


def allocate(handle: int, size: int) -> None:
    """Reserve the blocks: a write into a hole of a full disk would kill the process with SIGBUS."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    block = bytes(1 << 20)  # macOS has no posix_fallocate
    for at in range(0, size, len(block)):
        os.pwrite(handle, block[: size - at], at)
