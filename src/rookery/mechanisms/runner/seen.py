"""What a run has already emitted, in bounded memory."""

from __future__ import annotations

import mmap
import operator
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from rookery.mechanisms.hooks.items import Item, type_name

BUCKETS = 1 << 15
BUCKET = 16 * 8  # bytes
WORD = struct.Struct("<Q")
BITS = (1 << 64) - 1


class Seen:
    """Remembers items by 64-bit fingerprints of their `_uuid` and of their content identity.

    A set of Python strings costs 100 bytes and more per key, so that it grows with the run. This is a hash
    table of fixed size, 4 MB, of which a short run touches little: 32,768 buckets of 16 fingerprints, newest
    first. A look-up searches the 128 bytes of one bucket, whatever the number of items. A full bucket
    forgets its oldest. So a run of some 80,000 items is exact, and a longer one may show an item again that
    was last seen a few hundred thousand items before; stores upsert by identity, for which that is one more
    sighting. Two different things with one fingerprint: once in 10^7 runs of a million items.
    """

    def __init__(self) -> None:
        # Zeroed by the system when first touched; private, so that a forked child has its own.
        self._table = mmap.mmap(-1, BUCKETS * BUCKET, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def add(self, item: Item) -> bool:
        """Remember the item; True when it, or one of the same identity, was known."""
        known = self._add(hash(item._uuid))
        identity = identity_of(item)
        return known if identity is None else self._add(identity) or known

    def _add(self, fingerprint: int) -> bool:
        fingerprint = fingerprint & BITS or 1  # zero is a free place
        word, table = WORD.pack(fingerprint), self._table
        start = fingerprint % BUCKETS * BUCKET
        end = start + BUCKET
        if table.find(word, start, end) >= 0:
            return True
        table[start:end] = word + table[start : end - WORD.size]
        return False


def identity_of(item: Item) -> int | None:
    """A 64-bit hash of the type and the fields that make up the identity; None when its type names none."""
    kind = type(item)
    if not kind._identity:
        return None
    values = _reader(kind)(item)
    try:
        return hash((type_name(kind), values))
    except TypeError:  # a list or dict among them: their JSON can be hashed
        return hash((type_name(kind), msgspec.json.encode(values)))


@cache
def _reader(kind: type[Item]) -> Callable[[Item], Any]:
    return operator.attrgetter(*kind._identity)
