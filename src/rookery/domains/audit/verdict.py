"""What verification says: problems, notes, and the verdict."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["edited", "missing", "inserted", "reordered", "rewritten", "truncated", "checkpoint"]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as it was written: what kind, at which entry, and a sentence about it."""

    kind: Kind
    position: int
    entry_id: str | None
    message: str


class Verification(msgspec.Struct, frozen=True):
    """The verdict. `problems` are in the order of the chain; `notes` are worth knowing and break nothing.

    `entries` and `checkpoints` count what was read; `head` is the hash of the last entry, hexadecimal;
    `signed_at_us` the time of the last checkpoint, microseconds since 1970 UTC. Of many problems the first
    hundred are kept; `problem_count` counts all.
    """

    entries: int
    checkpoints: int
    head: str
    signed_at_us: int | None
    problems: tuple[Problem, ...]
    problem_count: int
    notes: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        """Whether the log is exactly what was written."""
        return self.problem_count == 0


def entries_between(first: int, last: int) -> str:
    """'entry 7', or 'entries 7 to 9'."""
    return f"entry {first}" if first == last else f"entries {first} to {last}"
