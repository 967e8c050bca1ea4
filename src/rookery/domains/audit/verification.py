"""Verification: walk the chain once, hold it against what was signed, and say what happened where.

Each entry must have the next number, follow the hash before it, and match its own hash. Each checkpoint must
name the digest of the one before and the hash the chain really has there; the last one's signature then
vouches for them all, and so for every entry, since a key signs nothing upon a checkpoint of its own that is
forged (appending.py). So one signature is checked wherever another key goes on, and not one per batch. Only
where something does not fit are further signatures checked, and the log is read a second time to tell an edit
from a deletion, an insertion or a reordering.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Protocol

from rookery.domains.audit.checkpoints import Base, Checkpoint
from rookery.domains.audit.explaining import Break, explain
from rookery.domains.audit.keys import Keyring
from rookery.domains.audit.rules import LINE_BREAKS, Head, Row, chained
from rookery.domains.audit.signatures import Signatures
from rookery.domains.audit.verdict import Kind, Problem, Verification, entries_between

MOST_PROBLEMS = 100
"""Problems that are kept; all are counted."""
STEP_BACK = 1_000_000
"""Microseconds that time may step back between two checkpoints without being worth a note."""
_TIME = slice(37, 53)
"""Where a payload has its time, behind an id of 36 characters: sixteen digits until the year 2286."""


class Log(Protocol):
    """What can be verified: a database, or an exported file. Both iterators may be asked for again."""

    @property
    def start(self) -> Head:
        """What the first entry follows."""
        ...

    @property
    def before(self) -> Checkpoint | None:
        """The checkpoint that the first one follows, where only a part of a log is verified."""

    @property
    def base(self) -> Base | None:
        """The prune record, when the oldest entries were removed."""

    @property
    def witness(self) -> Checkpoint | None:
        """The last checkpoint as kept outside the database."""

    @property
    def is_part(self) -> bool:
        """Whether others verify the rest of it."""
        ...

    def rows(self) -> Iterator[Row]:
        """The entries, by position."""
        ...

    def checkpoints(self) -> Iterator[Checkpoint]:
        """The checkpoints, by size."""
        ...


def verify(log: Log, keys: Keyring) -> Verification:
    """The verdict on a log, by these trusted keys."""
    return _Walk(log, keys).verdict()


class _Walk:
    """One reading of the log, and what was found on the way."""

    def __init__(self, log: Log, keys: Keyring) -> None:
        self._log = log
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._signed = Signatures(log, keys)
        self._end = log.start
        self._entries = 0
        self._recomputed = (0, b"")  # after an edited entry: the next position, the hash it should follow
        self._breaks: list[Break] = []
        self._steps_back: list[tuple[int, int]] = []  # position, microseconds

    def verdict(self) -> Verification:
        self._read()
        self._signed.finish(self._end.size)
        for problem in (*self._explained(), *self._signed.problems):
            self._keep(problem)
        last = self._signed.last
        return Verification(
            entries=self._entries,
            checkpoints=self._signed.count,
            head=self._end.hash.hex(),
            signed_at_us=last.at_us if last else None,
            problems=tuple(sorted(self._problems, key=lambda problem: problem.position)),
            problem_count=self._problem_count,
            notes=tuple(self._notes()),
        )

    def _read(self) -> None:
        """The tight loop: an entry that is as it should be costs no call of Python code."""
        (size, last), moment, entries = self._log.start, b"", 0
        expected = size + 1
        next_signed, line_breaks, hashed = self._signed.next_size, LINE_BREAKS, sha256
        for row in self._log.rows():
            position, payload, previous, digest = row
            entries += 1
            if (
                position != expected
                or previous != last
                or hashed(last + hashed(payload).digest()).digest() != digest
                or payload.count(b"\n") != line_breaks
            ) and not self._judge(row, expected, last):
                continue
            last, expected = digest, position + 1
            if position >= next_signed:
                next_signed = self._signed.reach(position, digest)
                if (now := payload[_TIME]) < moment:
                    self._step_back(position, moment, now)
                moment = now
        self._entries, self._end = entries, Head(expected - 1, last)

    def _judge(self, row: Row, expected: int, last: bytes) -> bool:
        """Say what is wrong with this entry; whether the walk goes on from it, for all that."""
        position, payload, previous, _ = row
        if position < expected:
            self._found("inserted", row, f"stands before entry {expected}, where the log begins")
            return False
        if position > expected:
            self._missing(expected, position - 1)
        if not _is_itself(row):
            self._found("edited", row, "was edited: its content does not match its hash")
            self._recomputed = (position + 1, chained(previous, payload))
        elif position == expected and previous != last and (position, previous) != self._recomputed:
            self._breaks.append(Break(position, _id(payload), previous))
        return True

    def _missing(self, first: int, last: int) -> None:
        verb = "is" if first == last else "are"
        self._keep(Problem("missing", first, None, f"{entries_between(first, last)} {verb} missing: deleted"))

    def _explained(self) -> list[Problem]:
        """Second reading, when hashes do not meet: where are the entries that others say they follow?"""
        mismatch = self._signed.first_mismatch
        if not self._breaks and mismatch is None:
            return []
        wanted = {broken.previous for broken in self._breaks}
        if mismatch:
            wanted.add(mismatch.checkpoint.head)
        found = {digest: position for position, _, _, digest in self._log.rows() if digest in wanted}
        return explain(self._breaks, mismatch, found, self._problems)

    def _step_back(self, position: int, before: bytes, now: bytes) -> None:
        if before.isdigit() and now.isdigit() and (step := int(before) - int(now)) >= STEP_BACK:
            self._steps_back.append((position, step))

    def _notes(self) -> Iterator[str]:
        if self._steps_back:
            position, _ = self._steps_back[0]
            furthest = max(step for _, step in self._steps_back) / 1_000_000
            yield (
                f"time steps back at {len(self._steps_back)} place(s), by up to {furthest:.0f} s, first at "
                f"entry {position}: a clock was set, or entries came late from a spool; their order stands"
            )
        if self._entries and self._log.witness is None and not self._log.is_part:
            yield "no checkpoint is kept outside this log, so a cut at a signed checkpoint would not show"

    def _found(self, kind: Kind, row: Row, what: str) -> None:
        entry = _id(row[1])
        self._keep(Problem(kind, row[0], entry, f"entry {row[0]} ({entry}) {what}"))

    def _keep(self, problem: Problem) -> None:
        self._problem_count += 1
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(problem)


def _is_itself(row: Row) -> bool:
    """Whether payload and stored hashes belong together, whatever comes before."""
    _, payload, previous, digest = row
    return payload.count(b"\n") == LINE_BREAKS and chained(previous, payload) == digest


def _id(payload: bytes) -> str:
    return payload.partition(b"\n")[0][:40].decode(errors="replace")
