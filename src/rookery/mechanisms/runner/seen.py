"""What a run has already emitted, in bounded memory."""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from rookery.mechanisms.hooks.items import Item, type_name

WAYS = 16
FIRST_BUCKETS = 1 << 6
LAST_BUCKETS = 1 << 15
WORD = (1 << 64) - 1


class Seen:
    """Remembers items by 64-bit fingerprints of their `_uuid` and of their content identity.

    A set of Python strings costs 100 bytes and more per key, so that it grows with the run. This is a hash
    table of 8-byte words in buckets of 16, newest first: one look-up reads one bucket, whatever the number of
    items. It starts at 8 kB and doubles when a bucket overflows, up to 4 MB (524,288 fingerprints); from
    then on an overflowing bucket forgets its oldest. So a run of about 100,000 items is exact, and a longer
    one may show an item again that was last seen a few hundred thousand items before; stores upsert by
    identity, for which that is one more sighting. Two things of one fingerprint: once in 10^8 such runs.
    """

    def __init__(self) -> None:
        self._buckets = FIRST_BUCKETS
        self._table = _empty(FIRST_BUCKETS)

    def add(self, item: Item) -> bool:
        """Remember the item; True when it, or one of the same identity, was known."""
        known = self._add(hash(item._uuid))
        identity = identity_of(item)
        return known if identity is None else self._add(identity) or known

    def _add(self, fingerprint: int) -> bool:
        word = fingerprint & WORD or 1  # zero marks a free place
        start = word % self._buckets * WAYS
        bucket = self._table[start : start + WAYS]
        if word in bucket:
            return True
        if bucket[-1] and self._buckets < LAST_BUCKETS:
            self._grow()
            return self._add(fingerprint)
        bucket.insert(0, word)
        del bucket[-1]
        self._table[start : start + WAYS] = bucket
        return False

    def _grow(self) -> None:
        words = self._table
        self._buckets *= 2
        self._table = _empty(self._buckets)
        for word in reversed(words):  # oldest first, so that the newest end up in front
            if word:
                self._add(word)

    @property
    def size(self) -> int:
        """Bytes that the table occupies."""
        return len(self._table) * self._table.itemsize


def _empty(buckets: int) -> array[int]:
    return array("Q", bytes(8 * WAYS * buckets))


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
