"""What dead processes left is taken over; what living ones write is left alone."""

from __future__ import annotations

import json
import os
import struct
import time
from pathlib import Path
from zlib import crc32

import pytest

from rookery.base.ids import new_id
from rookery.mechanisms.writebehind import (
    Batch,
    BatchQueue,
    CorruptRecord,
    DeliveryError,
    RetryPolicy,
    SpoolError,
    UnknownFormat,
    has_leftovers,
    writer,
)
from rookery.mechanisms.writebehind.ledger import Ledger
from rookery.mechanisms.writebehind.spool import FIRST_SEGMENT, SMALLEST_SEGMENT, Spool
from tests.mechanisms.writebehind.sinks import FailsTimes, GatedShelf, Shelf, numbered, refuse
from tests.patience import PATIENCE

QUICK = RetryPolicy(first=0.001, longest=0.002)


def leave(folder: Path, items: list[bytes], *, acknowledged: int = 0, held: tuple[int, ...] = ()) -> str:
    """What a killed process leaves: a spool with records, its lock free; the name of its stream."""
    stream = new_id()
    spool = Spool(folder, stream, 1 << 26)
    for seq, item in enumerate(items, start=1):
        assert spool.append(seq, item)
    spool.acknowledge(acknowledged)
    spool.hold(list(held))
    spool.release()
    return stream


def recover(folder: Path, shelf: Shelf | None = None) -> tuple[Shelf, list[DeliveryError | SpoolError]]:
    shelf = shelf or Shelf()
    errors: list[DeliveryError | SpoolError] = []
    with BatchQueue(shelf, name="t", spool=folder, on_error=errors.append) as queue:
        assert queue.flush(PATIENCE)
    return shelf, errors


def test_a_new_queue_delivers_what_a_dead_process_left_and_removes_it(tmp_path: Path) -> None:
    stream = leave(tmp_path, numbered(0, 250))
    shelf, errors = recover(tmp_path)
    assert shelf.items == numbered(0, 250)
    assert errors == []
    assert all(batch.recovered and batch.stream == stream for batch in shelf.batches)
    assert [seq for batch in shelf.batches for seq in batch.seqs] == list(range(1, 251))
    assert list(tmp_path.iterdir()) == []


def test_what_was_acknowledged_is_not_delivered_again(tmp_path: Path) -> None:
    leave(tmp_path, numbered(0, 100), acknowledged=60)
    shelf, _ = recover(tmp_path)
    assert shelf.items == numbered(60, 100)


def test_leftovers_come_oldest_first_and_before_what_is_put_now(tmp_path: Path) -> None:
    """So that an older value of a key never replaces a newer one."""
    for value in (b"k=1", b"k=2", b"k=3"):
        leave(tmp_path, [value])
    shelf = Shelf()
    with BatchQueue(shelf, name="t", spool=tmp_path, key=lambda item: item[:1]) as queue:
        queue.put(b"k=4")
        assert queue.flush(PATIENCE)
    assert shelf.items == [b"k=1", b"k=2", b"k=3", b"k=4"]


def test_recovered_items_are_deduplicated_by_key_within_a_batch(tmp_path: Path) -> None:
    leave(tmp_path, [b"a1", b"b1", b"a2"])
    shelf = Shelf()
    with BatchQueue(shelf, name="t", spool=tmp_path, key=lambda item: item[:1]) as queue:
        assert queue.flush(PATIENCE)
        stats = queue.stats
    assert shelf.items == [b"b1", b"a2"]
    assert (stats.accepted, stats.recovered, stats.coalesced, stats.delivered) == (3, 3, 1, 2)


def test_a_living_queues_spool_is_left_alone(tmp_path: Path) -> None:
    gated = GatedShelf()
    with BatchQueue(gated, name="living", spool=tmp_path) as living:
        living.put(b"mine")
        shelf, _ = recover(tmp_path)
        assert shelf.items == []
        gated.gate.set()
        assert living.flush(PATIENCE)
    assert gated.items == [b"mine"]


def test_a_process_that_dies_later_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RECOVERY_SECONDS", 0.02)
    shelf = Shelf()
    with BatchQueue(shelf, name="t", spool=tmp_path) as queue:
        queue.put(b"mine")
        assert queue.flush(PATIENCE)
        leave(tmp_path, [b"theirs"])
        end = time.monotonic() + PATIENCE
        while shelf.items != [b"mine", b"theirs"] and time.monotonic() < end:
            time.sleep(0.01)
    assert shelf.items == [b"mine", b"theirs"]


def test_a_spool_never_blocks_a_start(tmp_path: Path) -> None:
    """With its sink down, the new queue opens at once and accepts; all of it arrives later, oldest first."""
    leave(tmp_path, numbered(0, 10))
    shelf = GatedShelf()
    with BatchQueue(shelf, name="t", spool=tmp_path) as queue:
        shelf.await_call()
        for item in numbered(10, 20):
            queue.put(item)
        assert not queue.flush(0.01)
        shelf.gate.set()
        assert queue.flush(PATIENCE)
    assert shelf.items == numbered(0, 20)


def test_an_interrupted_recovery_goes_on_where_it_stopped(tmp_path: Path) -> None:
    leave(tmp_path, numbered(0, 250))
    first = Shelf(lambda batch: FailsTimes(b"150" in batch, ConnectionError("down"))(batch))
    queue = BatchQueue(first, name="t", spool=tmp_path, retry=QUICK)
    assert not queue.close(0.2)
    stats = queue.stats
    assert stats.accepted == stats.delivered == len(first.items) == 100
    second, _ = recover(tmp_path)
    assert first.items + second.items == numbered(0, 250)


def test_poison_among_leftovers_becomes_a_dead_letter(tmp_path: Path) -> None:
    stream = leave(tmp_path, numbered(0, 10))
    shelf, errors = recover(tmp_path, Shelf(refuse(b"4")))
    assert shelf.items == [item for item in numbered(0, 10) if item != b"4"]
    (row,) = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
    assert (row["stream"], row["seq"], row["text"]) == (stream, 5, "4")
    assert len(errors) == 1


def test_what_the_sink_had_refused_at_death_is_not_tried_again(tmp_path: Path) -> None:
    """The sink's cursor may be past it already: trying would look like success."""
    leave(tmp_path, numbered(0, 6), acknowledged=1, held=(2, 4))
    shelf, _ = recover(tmp_path)
    assert shelf.items == [b"2", b"4", b"5"]
    rows = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == [b"1".decode(), "3"]


def damage(tmp_path: Path, stream: str, old: bytes, new: bytes) -> Path:
    (segment,) = (tmp_path / stream).glob("*.seg")
    data = segment.read_bytes()
    assert data.count(old) == 1
    segment.write_bytes(data.replace(old, new))
    return segment


def test_a_corrupt_record_is_skipped_reported_by_name_and_its_segment_kept(tmp_path: Path) -> None:
    stream = leave(tmp_path, [b"first", b"second", b"third"])
    segment = damage(tmp_path, stream, b"second", b"sEcond")
    shelf, errors = recover(tmp_path)
    assert shelf.items == [b"first", b"third"]
    (error,) = errors
    assert isinstance(error, CorruptRecord)
    assert str(segment) in str(error)
    assert "after number 1 " in str(error)
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert b"sEcond" in kept.read_bytes()
    assert not has_leftovers(tmp_path)


def test_a_newer_format_is_reported_and_left_for_the_version_that_wrote_it(tmp_path: Path) -> None:
    stream = leave(tmp_path, [b"from the future"])
    (segment,) = (tmp_path / stream).glob("*.seg")
    data = from_the_future(segment)
    leave(tmp_path, [b"from today"])
    shelf, errors = recover(tmp_path)
    assert shelf.items == [b"from today"]
    assert [type(error) for error in errors] == [UnknownFormat]
    assert segment.read_bytes() == data


def from_the_future(segment: Path) -> bytes:
    data = bytearray(segment.read_bytes())
    data[4:6] = struct.pack("<H", 2)
    data[44:48] = struct.pack("<I", crc32(bytes(data[:44])))
    segment.write_bytes(data)
    return bytes(data)


def test_nothing_after_a_segment_of_a_newer_format_is_acknowledged(tmp_path: Path) -> None:
    """One number says how far a stream has got: it would pass over the records that cannot be read yet."""
    stream = leave(tmp_path, [bytes(SMALLEST_SEGMENT) for _ in range(20)])
    first, second = sorted((tmp_path / stream).glob("*.seg"))
    from_the_future(first)
    shelf, _ = recover(tmp_path)
    assert shelf.items == []
    assert second.exists()


def test_a_stray_file_in_a_leftover_stops_nothing(tmp_path: Path) -> None:
    stream = leave(tmp_path, [b"theirs"])
    (tmp_path / stream / "zz of somebody.seg").write_bytes(b"not a segment")
    shelf = Shelf()
    errors: list[DeliveryError | SpoolError] = []
    with BatchQueue(shelf, name="t", spool=tmp_path, on_error=errors.append) as queue:
        queue.put(b"mine")
        assert queue.flush(PATIENCE)
    assert shelf.items == [b"theirs", b"mine"]
    assert [f"{stream} is left as it is" in str(error) for error in errors] == [True]


def test_a_leftover_that_cannot_be_read_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    stream = leave(tmp_path, [b"unreachable"])
    (tmp_path / stream / "0000000000000000.seg").mkdir()
    leave(tmp_path, [b"theirs"])
    shelf = Shelf()
    errors: list[DeliveryError | SpoolError] = []
    with BatchQueue(shelf, name="t", spool=tmp_path, on_error=errors.append) as queue:
        queue.put(b"mine")
        assert queue.flush(PATIENCE)
        assert queue.stats.restarts == 0
    assert shelf.items == [b"theirs", b"mine"]
    (error,) = errors
    assert f"{tmp_path / stream} is left as it is" in str(error)
    assert has_leftovers(tmp_path)


def test_an_unreadable_ledger_only_means_that_all_is_replayed(tmp_path: Path) -> None:
    stream = leave(tmp_path, numbered(0, 5), acknowledged=3)
    lock = tmp_path / stream / "lock"
    lock.write_bytes(b"\x07" + lock.read_bytes()[1:])
    shelf, _ = recover(tmp_path)
    assert shelf.items == numbered(0, 5)


def test_strange_things_in_the_spool_folder_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("hands off")
    (tmp_path / new_id()).write_text("a file with the name of a stream")
    (tmp_path / new_id()).mkdir()
    shelf, errors = recover(tmp_path)
    assert (shelf.items, errors) == ([], [])
    assert (tmp_path / "README").read_text() == "hands off"


def test_a_folder_that_was_never_named_is_removed_when_it_is_old(tmp_path: Path) -> None:
    old, young = tmp_path / f"new-{new_id()}", tmp_path / f"new-{new_id()}"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    leave(tmp_path, [b"x"])
    recover(tmp_path)
    assert not old.exists()
    assert young.exists()


def test_two_processes_never_recover_the_same_folder(tmp_path: Path) -> None:
    stream = leave(tmp_path, [b"x"])
    owner = Ledger(tmp_path / stream)
    try:
        shelf, _ = recover(tmp_path)
        assert shelf.items == []
    finally:
        owner.close()
    shelf, _ = recover(tmp_path)
    assert shelf.items == [b"x"]


def test_segments_are_deleted_as_they_are_delivered(tmp_path: Path) -> None:
    shelf = Shelf()
    with BatchQueue(shelf, name="t", spool=tmp_path, spool_bytes=8 * SMALLEST_SEGMENT) as queue:
        for _ in range(100):
            for _ in range(50):
                queue.put(bytes(1000))
            assert queue.flush(PATIENCE)
        assert len(list((tmp_path / queue.stream).glob("*.seg"))) <= 2
    assert len(shelf.items) == 5000


def test_segments_start_small_and_grow(tmp_path: Path) -> None:
    spool = Spool(tmp_path, new_id(), 1 << 28)
    for seq in range(1, 8000):
        assert spool.append(seq, bytes(1000))
    sizes = [path.stat().st_size for path in sorted(spool.folder.glob("*.seg"))]
    assert sizes[:3] == [FIRST_SEGMENT, 2 * FIRST_SEGMENT, 4 * FIRST_SEGMENT]
    spool.release()


def test_a_spool_removed_under_a_running_queue_is_reported_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RECOVERY_SECONDS", 0.0)
    errors: list[DeliveryError | SpoolError] = []
    shelf = Shelf()
    with BatchQueue(shelf, name="t", spool=tmp_path, on_error=errors.append) as queue:
        queue.put(b"1")
        assert queue.flush(PATIENCE)
        for path in (tmp_path / queue.stream).iterdir():
            path.unlink()
        (tmp_path / queue.stream).rmdir()
        for number in range(2, 5):
            queue.put(b"%d" % number)
            assert queue.flush(PATIENCE)
        assert has_leftovers(tmp_path)
    assert shelf.items == numbered(1, 5)
    assert len(errors) == 1
    assert "removed under a running queue" in str(errors[0])


def test_has_leftovers_takes_no_lock_and_needs_no_folder(tmp_path: Path) -> None:
    assert not has_leftovers(tmp_path / "nowhere")
    stream = leave(tmp_path, [b"x"])
    owner = Ledger(tmp_path / stream)
    try:
        assert has_leftovers(tmp_path)
    finally:
        owner.close()


def test_a_batch_of_one_process_never_mixes_with_another_s(tmp_path: Path) -> None:
    streams = [leave(tmp_path, numbered(0, 5)), leave(tmp_path, numbered(5, 10))]
    seen: list[Batch[bytes]] = []
    with BatchQueue(seen.append, name="t", spool=tmp_path) as queue:
        assert queue.flush(PATIENCE)
    assert [batch.stream for batch in seen] == streams
