"""Compression: as Go writes it, and bounded when it inflates."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from rookery.mechanisms.engine.dsl.functions.signature import MANY, table
from rookery.mechanisms.engine.dsl.values import LARGEST_TEXT, Value, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import to_bytes

GZIP_HEAD = bytes.fromhex("1f8b08000000000000ff")  # no name, no time, of no particular system
ZLIB_HEAD = bytes.fromhex("789c")
RAW = -zlib.MAX_WBITS
EMPTY_BLOCK = b"\x00\x00\xff\xff"
BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)
LONGEST_NAME = 1000  # characters of a file in an archive


def _deflated(data: bytes) -> bytes:
    """Deflated as Go does it: the data in blocks that are not the last, then an empty one that is."""
    compressor = zlib.compressobj(wbits=RAW)
    flushed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    head, size = flushed[: -len(EMPTY_BLOCK)], len(data)
    for bit in range(16):  # where the empty block's mark begins depends on the data
        place = len(head) - 1 - bit // 8
        if place < 0:
            break
        marked = bytearray(head)
        marked[place] |= 1 << (bit % 8)
        if bytes(marked) != head and _is_whole(bytes(marked) + EMPTY_BLOCK, data, size):
            return bytes(marked) + EMPTY_BLOCK
    return head + EMPTY_BLOCK + compressor.flush()


def _is_whole(candidate: bytes, data: bytes, size: int) -> bool:
    inflater = zlib.decompressobj(wbits=RAW)
    try:
        return inflater.decompress(candidate, size + 1) == data and inflater.eof and not inflater.unused_data
    except zlib.error:
        return False


def _gzip(value: Value) -> str:
    data = to_bytes(to_text(value))
    tail = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return (GZIP_HEAD + _deflated(data) + tail).decode("latin-1")


def _zlib(value: Value) -> str:
    data = to_bytes(to_text(value))
    return (ZLIB_HEAD + _deflated(data) + struct.pack(">I", zlib.adler32(data))).decode("latin-1")


def _deflate(value: Value) -> str:
    return _deflated(to_bytes(to_text(value))).decode("latin-1")


def _gzip_decode(value: Value, most: Value = LARGEST_TEXT) -> str:
    return _inflated(value, zlib.MAX_WBITS | 16, most)


def _zlib_decode(value: Value, most: Value = LARGEST_TEXT) -> str:
    return _inflated(value, zlib.MAX_WBITS, most)


def _inflate(value: Value, most: Value = LARGEST_TEXT) -> str:
    return _inflated(value, RAW, most)


def _inflated(value: Value, window: int, most: Value) -> str:
    """What the data holds, up to a limit."""
    limit = min(max(to_integer(most), 0), LARGEST_TEXT)
    inflater = zlib.decompressobj(wbits=window)
    try:
        return inflater.decompress(to_bytes(to_text(value)), limit).decode("latin-1") if limit else ""
    except zlib.error as error:
        raise DslError(f"not compressed data: {error}") from None


def _zip(*entries: Value) -> str:
    """An archive of pairs of a name and a content."""
    files = [zipfile.ZipInfo(to_text(name), BEGINNING_OF_TIME) for name in entries[::2]]
    names = {file.filename for file in files}  # which ends at a NUL
    if len(entries) % 2 or len(names) != len(files) or any(len(name) > LONGEST_NAME for name in names):
        raise DslError("zip() needs a content for every name, and each name once, of a sensible length")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in zip(files, entries[1::2], strict=True):
            archive.writestr(file, to_bytes(to_text(content)), zipfile.ZIP_DEFLATED)
    return buffer.getvalue().decode("latin-1")


FUNCTIONS = table(
    ("gzip", _gzip, 1, 1),
    ("gzip_decode", _gzip_decode, 1, 2),
    ("zlib", _zlib, 1, 1),
    ("zlib_decode", _zlib_decode, 1, 2),
    ("deflate", _deflate, 1, 1),
    ("inflate", _inflate, 1, 2),
    ("zip", _zip, 2, MANY),
)
