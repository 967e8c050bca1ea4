"""What a run has done: for each target, which templates ended how. Kept as bitmaps, so that it stays small.

A template is known by its position in the run's list, for two files may share an id. 7,500 templates on 1,000
targets are 3 MB in memory, and on disk mostly some 60 bytes per target. Pure, and safe to use from two
threads: the one that runs the templates, and the one that stores.
"""

from __future__ import annotations

import zlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from threading import Lock
from typing import NamedTuple

import msgspec

LARGEST_LIST = 64 << 20  # bytes of an unpacked list of template ids


class Outcome(Enum):
    """How one template ended on one target."""

    OK = "ok"
    """It ran to its end; what it did not find was not there."""
    ERROR = "error"
    """A request of it had no answer: it proves nothing."""
    SKIPPED = "skipped"
    """It was not tried, for the target was given up."""


class Packed(NamedTuple):
    """One target's coverage as it is stored: a compressed bitmap, and the number of its bits, per outcome."""

    ok: bytes
    error: bytes
    skipped: bytes
    ok_count: int
    error_count: int
    skipped_count: int


class Completed(Collection[str]):
    """The ids of the templates that ran to their end on a target, every file of that id: a view of the bits.

    Sets of them would take 250 kB for each target; asked for single ids, this takes nothing.
    """

    def __init__(self, places: Mapping[str, Sequence[int]], bits: bytes) -> None:
        self._places, self._bits = places, bits

    def __contains__(self, id_: object) -> bool:
        places = self._places.get(id_) if isinstance(id_, str) else None
        return bool(places) and all(self._bits[place >> 3] & 1 << (place & 7) for place in places or ())

    def __iter__(self) -> Iterator[str]:
        return (id_ for id_ in self._places if id_ in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Coverage:
    """The coverage of one run over the templates with these ids, going on from what is `stored` already."""

    def __init__(self, template_ids: Sequence[str], stored: Mapping[str, Packed] | None = None) -> None:
        self.template_ids = tuple(template_ids)
        self._bytes = (len(self.template_ids) + 7) // 8
        self._targets = {target: self._unpacked(packed) for target, packed in (stored or {}).items()}
        self._changed: set[str] = set()
        self._lock = Lock()

    def record(self, target: str, position: int, outcome: Outcome) -> None:
        """One template has ended on one target; a later outcome takes the place of an earlier one."""
        self.record_all(target, (position,), outcome)

    def record_all(self, target: str, positions: Iterable[int], outcome: Outcome) -> None:
        """Several templates have ended on one target."""
        with self._lock:
            bitmaps = self._targets.get(target) or self._targets.setdefault(target, self._empty())
            for position in positions:
                byte, bit = position >> 3, 1 << (position & 7)
                for each, bitmap in bitmaps.items():
                    bitmap[byte] = bitmap[byte] | bit if each is outcome else bitmap[byte] & ~bit
            self._changed.add(target)

    def is_done(self, target: str, position: int) -> bool:
        """Whether a template came to its end on a target."""
        bitmaps = self._targets.get(target)
        return bitmaps is not None and bool(bitmaps[Outcome.OK][position >> 3] & 1 << (position & 7))

    def has_done(self, target: str) -> bool:
        """Whether anything is done on a target."""
        bitmaps = self._targets.get(target)
        return bitmaps is not None and any(bitmaps[Outcome.OK])

    def left(self, target: str, positions: Iterable[int]) -> list[int]:
        """Those of these positions that are to be run on a target: they came to no end there."""
        bitmaps = self._targets.get(target)
        done = bitmaps[Outcome.OK] if bitmaps else b""
        return [place for place in positions if not (done and done[place >> 3] & 1 << (place & 7))]

    def changed(self) -> dict[str, Packed]:
        """What has changed since the last call, to be stored."""
        with self._lock:
            changed, self._changed = self._changed, set()
            copies = {target: {each: bytes(bits) for each, bits in self._targets[target].items()}
                      for target in changed}  # fmt: skip
        return {target: _packed(bitmaps) for target, bitmaps in copies.items()}

    def put_back(self, targets: Iterable[str]) -> None:
        """These could not be stored: they have changed still."""
        with self._lock:
            self._changed.update(targets)

    def counts(self) -> dict[str, int]:
        """How many pairs ended how, by the outcome's word."""
        return {each.value: sum(_count(bitmaps[each]) for bitmaps in self._targets.values())
                for each in Outcome}  # fmt: skip

    def covered(self) -> Iterator[tuple[str, Completed]]:
        """For each target the templates that ran to their end."""
        places: dict[str, list[int]] = {}
        for place, id_ in enumerate(self.template_ids):
            places.setdefault(id_, []).append(place)
        for target, bitmaps in self._targets.items():
            yield target, Completed(places, bytes(bitmaps[Outcome.OK]))

    def _empty(self) -> dict[Outcome, bytearray]:
        return {each: bytearray(self._bytes) for each in Outcome}

    def _unpacked(self, packed: Packed) -> dict[Outcome, bytearray]:
        return {each: bytearray(_unzipped(getattr(packed, each.value), self._bytes)) for each in Outcome}


def places_of(template_ids: Sequence[str], files: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Where each file (id, path) is in a run's list, by path; what has come since the run began is not."""
    free: defaultdict[str, deque[int]] = defaultdict(deque)
    for place, id_ in enumerate(template_ids):
        free[id_].append(place)
    return {path: free[id_].popleft() for id_, path in files if free[id_]}


def ids_by_outcome(template_ids: Sequence[str], packed: Packed) -> dict[str, list[str]]:
    """The ids of the templates that ended in each way, in the run's order; `not run` for the rest."""
    size = (len(template_ids) + 7) // 8
    bitmaps = {each.value: _unzipped(getattr(packed, each.value), size) for each in Outcome}
    found: dict[str, list[str]] = {word: [] for word in (*bitmaps, "not run")}
    for place, id_ in enumerate(template_ids):
        words = (word for word, bits in bitmaps.items() if bits[place >> 3] & 1 << (place & 7))
        found[next(words, "not run")].append(id_)
    return found


def pack_ids(template_ids: Sequence[str]) -> bytes:
    """A list of template ids as a run stores it."""
    return zlib.compress(msgspec.json.encode(template_ids), 6)


def unpack_ids(packed: bytes) -> tuple[str, ...]:
    """The list again; of a run from before there were such lists, an empty one."""
    if not packed:
        return ()
    return msgspec.json.decode(_unzipped(packed, LARGEST_LIST, exact=False), type=tuple[str, ...])


def _packed(bitmaps: Mapping[Outcome, bytes]) -> Packed:
    ok, error, skipped = (bitmaps[each] for each in Outcome)
    return Packed(_zip(ok), _zip(error), _zip(skipped), _count(ok), _count(error), _count(skipped))


def _zip(bits: bytes) -> bytes:
    return zlib.compress(bits, 1)


def _count(bits: bytes | bytearray) -> int:
    return int.from_bytes(bits, "little").bit_count()


def _unzipped(data: bytes, size: int, *, exact: bool = True) -> bytes:
    unzipped = zlib.decompressobj().decompress(data, size)
    return unzipped.ljust(size, b"\0") if exact else unzipped
