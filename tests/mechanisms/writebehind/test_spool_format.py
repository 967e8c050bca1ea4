"""The bytes of a segment: what they are, and that no damage ever turns into a wrong record."""

from __future__ import annotations

import struct
from pathlib import Path
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.mechanisms.writebehind import UnknownFormat
from rookery.mechanisms.writebehind.frames import Reading, read_segment
from rookery.mechanisms.writebehind.segment import FRAME_SIZE, HEADER_SIZE, Segment, name_of, salt_of

STREAM = UUID("01890000-0000-7000-8000-000000000001")
SIZE = 64 << 10


def write(folder: Path, payloads: list[bytes], *, base: int = 7) -> Path:
    segment = Segment(folder / "0.blank", SIZE)
    segment.start(STREAM, base)
    for number, payload in enumerate(payloads):
        assert segment.append(base + number, payload)
    segment.close()
    return segment.path


def read(path: Path) -> Reading:
    return read_segment(path, STREAM)


def entries(payloads: list[bytes], *, base: int = 7) -> list[tuple[int, bytes]]:
    return list(enumerate(payloads, start=base))


def offset_of(payloads: list[bytes], index: int) -> int:
    """Where the frame of a record begins."""
    return HEADER_SIZE + sum((FRAME_SIZE + len(payload) + 7) & -8 for payload in payloads[:index])


def test_the_format_is_the_documented_one(tmp_path: Path) -> None:
    """Built here byte by byte from the documentation: a change of format must raise VERSION."""
    data = write(tmp_path, [b"hello"]).read_bytes()
    assert data[:8] == b"RKWB" + struct.pack("<HH", 1, 0)
    assert data[8:24] == STREAM.bytes
    assert struct.unpack_from("<Q", data, 24) == (7,)
    salt, checksum = struct.unpack_from("<II", data, 40)
    assert salt == salt_of(STREAM, 7)
    assert checksum == crc32(data[:44])
    assert data[48:64] == bytes(16)
    assert data[64:81] == struct.pack("<III", 17, crc32(b"hello", salt), 0) + b"hello"
    assert data[81:] == bytes(SIZE - 81)


@given(payloads=st.lists(st.binary(max_size=400), max_size=60), base=st.integers(1, 2**40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_what_was_written_is_read(tmp_path: Path, payloads: list[bytes], base: int) -> None:
    path = write(tmp_path, payloads, base=base)
    assert read(path) == Reading(entries(payloads, base=base), [])
    path.unlink()


def test_a_record_that_does_not_fit_is_left_to_the_next_segment(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "0.blank", 4096)
    segment.start(STREAM, 1)
    assert segment.append(1, bytes(4000))
    assert not segment.append(2, bytes(100))
    segment.close()
    assert read(segment.path).entries == [(1, bytes(4000))]


def test_a_torn_tail_is_no_fault(tmp_path: Path) -> None:
    """Killed between payload and header: the record was not acknowledged, and nobody misses it."""
    payloads = [b"one", b"two"]
    path = write(tmp_path, payloads)
    data = bytearray(path.read_bytes())
    end = offset_of(payloads, 2)
    data[end + FRAME_SIZE : end + FRAME_SIZE + 5] = b"three"
    path.write_bytes(data)
    assert read(path) == Reading(entries(payloads), [])


def test_a_file_cut_short_keeps_what_is_before_the_cut(tmp_path: Path) -> None:
    payloads = [b"one", b"two", b"three"]
    path = write(tmp_path, payloads)
    path.write_bytes(path.read_bytes()[: offset_of(payloads, 2) + FRAME_SIZE + 2])
    reading = read(path)
    assert reading.entries == entries(payloads)[:2]
    assert len(reading.faults) == 1


@pytest.mark.parametrize("place", ["header", "payload"])
@pytest.mark.parametrize("index", [0, 2, 4])
def test_a_damaged_record_is_skipped_and_named_and_its_neighbours_are_read(
    tmp_path: Path, place: str, index: int
) -> None:
    payloads = [b"payload number %d" % number for number in range(5)]
    path = write(tmp_path, payloads)
    data = bytearray(path.read_bytes())
    at = offset_of(payloads, index) + (0 if place == "header" else FRAME_SIZE + 3)
    data[at] ^= 0x40
    path.write_bytes(data)
    reading = read(path)
    assert reading.entries == [entry for entry in entries(payloads) if entry[0] != 7 + index]
    (fault,) = reading.faults
    assert f"{path}: byte" in str(fault)
    assert f"after number {6 + index} " in str(fault)


def test_a_page_of_zeros_in_the_middle_does_not_end_the_segment(tmp_path: Path) -> None:
    payloads = [bytes([65 + number % 26]) * 300 for number in range(100)]
    path = write(tmp_path, payloads)
    data = bytearray(path.read_bytes())
    data[8192:12288] = bytes(4096)
    path.write_bytes(data)
    reading = read(path)
    assert len(reading.entries) > 80
    assert reading.entries[-1] == (106, payloads[-1])
    assert len(reading.faults) == 1


def test_a_damaged_header_costs_no_record(tmp_path: Path) -> None:
    payloads = [b"one", b"two"]
    path = write(tmp_path, payloads)
    path.write_bytes(b"\xff" * HEADER_SIZE + path.read_bytes()[HEADER_SIZE:])
    reading = read(path)
    assert reading.entries == entries(payloads)
    assert "header is damaged" in str(reading.faults[0])


def test_a_segment_that_was_never_started_is_empty(tmp_path: Path) -> None:
    path = tmp_path / name_of(1)
    path.write_bytes(bytes(4096))
    assert read(path) == Reading([], [])


def test_a_newer_format_is_refused_by_name_and_number(tmp_path: Path) -> None:
    path = write(tmp_path, [b"one"])
    data = bytearray(path.read_bytes())
    data[4:6] = struct.pack("<H", 9)
    data[44:48] = struct.pack("<I", crc32(bytes(data[:44])))
    path.write_bytes(data)
    with pytest.raises(UnknownFormat, match=r"has spool format 9; this Rookery reads up to 1"):
        read(path)


def test_records_of_another_stream_are_never_taken_for_ones_own(tmp_path: Path) -> None:
    """Old blocks of a reused disk: the salt of the checksum differs."""
    path = write(tmp_path, [b"one"])
    other = UUID("01890000-0000-7000-8000-000000000002")
    data = bytearray(path.read_bytes())
    head = bytearray(data[:44])
    head[8:24] = other.bytes
    data[:48] = bytes(head) + struct.pack("<I", crc32(bytes(head)))
    path.write_bytes(data)
    assert read_segment(path, other).entries == []


@given(
    flips=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), min_size=1, max_size=20),
    holes=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 600)), max_size=3),
    cut=st.integers(0, 4096) | st.none(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_no_damage_yields_a_wrong_record(
    tmp_path: Path, flips: list[tuple[int, int]], holes: list[tuple[int, int]], cut: int | None
) -> None:
    """Whatever is flipped, zeroed or cut: what is read was written, under the same number."""
    payloads = [b"record %d of this segment" % number for number in range(60)]
    path = write(tmp_path, payloads)
    data = bytearray(path.read_bytes())
    for at, mask in flips:
        data[at] ^= mask
    for at, length in holes:
        data[at : at + length] = bytes(length)
    path.write_bytes(data[:cut])
    try:
        assert set(read(path).entries) <= set(entries(payloads))
    except UnknownFormat:
        pass
    finally:
        path.unlink()
