"""The signed side of verification: checkpoints in order, each held against the chain on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple, Protocol

from rookery.domains.audit.checkpoints import Base, Checkpoint
from rookery.domains.audit.keys import Keyring
from rookery.domains.audit.rules import GENESIS, Head
from rookery.domains.audit.verdict import Kind, Problem, entries_between

NEVER = sys.maxsize
"""The size of a checkpoint that will not come."""


class Mismatch(NamedTuple):
    """A checkpoint whose head is not the hash the chain has there; up to `agreed` entries it all fitted."""

    agreed: int
    checkpoint: Checkpoint


class SignedLog(Protocol):
    """What is needed of a log here; see verification.Log."""

    @property
    def start(self) -> Head: ...
    @property
    def before(self) -> Checkpoint | None: ...
    @property
    def base(self) -> Base | None: ...
    @property
    def witness(self) -> Checkpoint | None: ...
    def checkpoints(self) -> Iterator[Checkpoint]: ...


class Signatures:
    """Follows the checkpoints beside the walk. `next_size` is the position at which it wants the hash."""

    def __init__(self, log: SignedLog, keys: Keyring) -> None:
        self.problems: list[Problem] = []
        self.first_mismatch: Mismatch | None = None
        self.last = log.before
        self.count = 0
        self._keys = keys
        self._distrusted: set[str] = set()
        self._base = log.base
        self._begin = self._agreed = log.start.size
        self._witness = self._believed(log.witness)
        marks = (self._witness,) if self._witness else ()
        self._marks = merge(log.checkpoints(), marks, key=lambda mark: mark.size)
        self._next = next(self._marks, None)

    def _believed(self, witness: Checkpoint | None) -> Checkpoint | None:
        """The witness, if it is signed, and has something to say about what was not pruned."""
        if witness is None or witness.size <= self._agreed:
            return None
        if self._is_signed(witness):
            return witness
        self._found(
            "checkpoint", witness.size, f"the checkpoint kept outside the database{self._why(witness)}"
        )
        return None

    @property
    def next_size(self) -> int:
        """The entry whose hash the next checkpoint speaks of."""
        return self._next.size if self._next else NEVER

    def reach(self, position: int, digest: bytes) -> int:
        """The walk is at `position`, whose stored hash is `digest`; the position it is wanted at next."""
        while self._next is not None and self._next.size <= position:
            self._take(self._next, digest if self._next.size == position else None)
            self._next = next(self._marks, None)
        return self.next_size

    def finish(self, end: int) -> None:
        """The log has ended at `end`. Was more signed? Is more there than was signed?"""
        while self._next is not None:
            self._take(self._next, None)
            self._next = next(self._marks, None)
        self._check_signatures()
        signed = self.last.size if self.last else 0
        self._check_beyond(end, max(signed, self._begin))
        self._check_cut(end, signed)

    def _check_beyond(self, end: int, known: int) -> None:
        """What follows the last checkpoint is forged, unless the one kept outside knows it."""
        if end <= known:
            return
        if self._agreed >= end:
            self._found("checkpoint", end, f"the checkpoints after entry {known} were removed")
        else:
            beyond = entries_between(known + 1, end)
            self._found(
                "inserted", known + 1, f"{beyond} inserted: no checkpoint signs what follows entry {known}"
            )

    def _check_cut(self, end: int, signed: int) -> None:
        witnessed = self._witness.size if self._witness else 0
        if max(signed, witnessed) > end:
            source = (
                "the checkpoint kept outside the database" if witnessed > signed else "a signed checkpoint"
            )
            size = max(signed, witnessed)
            cut = entries_between(end + 1, size)
            self._found("truncated", end + 1, f"{cut} cut off the end: {source} counts {size}")

    def _take(self, mark: Checkpoint, digest: bytes | None) -> None:
        if mark is not self._witness:
            self._check_link(mark)
            self.last = mark
            self.count += 1
        if digest is None:
            return
        if mark.head == digest:
            self._agreed = mark.size
        elif self.first_mismatch is None and self._is_signed(mark):
            self.first_mismatch = Mismatch(self._agreed, mark)

    def _check_link(self, mark: Checkpoint) -> None:
        """Where a checkpoint does not name the digest before it, signatures tell which one is wrong.

        A key signs nothing upon a forged one of its own; where another key goes on, it is looked at here.
        """
        if self.last and self.last.key_id != mark.key_id:
            self._check_signature(self.last)
        first = mark.previous if self._base else GENESIS
        if mark.previous == (self.last.digest if self.last else first):
            return
        wrong = next((one for one in (self.last, mark) if one and not self._is_signed(one)), None)
        if wrong:
            self._found(
                "checkpoint",
                wrong.size,
                f"the checkpoint after entry {wrong.size} was edited: its signature is wrong",
            )
        else:
            self._found("checkpoint", mark.size, f"a checkpoint before entry {mark.size} was removed")

    def _check_signatures(self) -> None:
        if self.last:
            self._check_signature(self.last)
        if self._base and not self._is_signed(self._base):
            self._found("checkpoint", self._base.size, f"the prune record{self._why(self._base)}")

    def _check_signature(self, mark: Checkpoint) -> None:
        """Of a key that is not trusted the first is told, which is enough."""
        if mark.key_id in self._distrusted or self._is_signed(mark):
            return
        if mark.key_id not in self._keys:
            self._distrusted.add(mark.key_id)
        self._found("checkpoint", mark.size, f"the checkpoint after entry {mark.size}{self._why(mark)}")

    def _is_signed(self, signed: Checkpoint | Base) -> bool:
        return self._keys.verifies(signed)

    def _why(self, signed: Checkpoint | Base) -> str:
        if signed.key_id in self._keys:
            return " was edited: its signature is wrong"
        return (
            f" is signed by key {signed.key_id}, which is not trusted here: "
            "put that machine's audit.pub beside ours, as NAME.pub"
        )

    def _found(self, kind: Kind, position: int, message: str) -> None:
        self.problems.append(Problem(kind, position, None, message))
