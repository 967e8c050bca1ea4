"""What happened where hashes do not meet: pure functions over what a second reading of the log has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rookery.domains.audit.signatures import NEVER, Mismatch
from rookery.domains.audit.verdict import Problem, entries_between


class Break(NamedTuple):
    """An entry that is itself, but follows another hash than that of the entry before it."""

    position: int
    entry_id: str
    previous: bytes

    def __str__(self) -> str:
        return f"entry {self.position} ({self.entry_id})"


def explain(
    breaks: Sequence[Break],
    mismatch: Mismatch | None,
    found: Mapping[bytes, int],
    known: Sequence[Problem],
) -> list[Problem]:
    """The problems behind these breaks, and behind the first checkpoint that does not fit the chain.

    `found` says where an entry with a wanted hash stands now; `known` are the problems found before.
    """
    problems = [_behind(broken, mismatch, found) for broken in breaks]
    if mismatch and not _is_accounted_for(mismatch, [*known, *problems]):
        problems.append(_rewritten(mismatch))
    return problems


def _behind(broken: Break, mismatch: Mismatch | None, found: Mapping[bytes, int]) -> Problem:
    followed = found.get(broken.previous)
    if followed is None:
        return _lost_predecessor(broken, mismatch, found)
    if followed < broken.position:
        inserted = entries_between(followed + 1, broken.position - 1)
        message = f"{inserted} inserted: {broken} follows entry {followed}"
        return Problem("inserted", followed + 1, None, message)
    message = f"{broken} was moved: it follows what is now entry {followed}"
    return Problem("reordered", broken.position, broken.entry_id, message)


def _lost_predecessor(broken: Break, mismatch: Mismatch | None, found: Mapping[bytes, int]) -> Problem:
    """The entry it followed is gone. Did another take its place, or did the rest move up?"""
    if mismatch and (gone := mismatch.checkpoint.size - found.get(mismatch.checkpoint.head, NEVER)) > 0:
        message = f"{gone} deleted before {broken}, and what follows was renumbered"
        return Problem("missing", broken.position, None, message)
    replaced = broken.position - 1
    message = f"entry {replaced} was edited and its hash recomputed: {broken} does not follow it"
    return Problem("edited", replaced, None, message)


def _is_accounted_for(mismatch: Mismatch, problems: Sequence[Problem]) -> bool:
    """Whether something was found among the entries that the checkpoint is the first to sign."""
    first, last = mismatch.agreed + 1, mismatch.checkpoint.size + 1
    return any(first <= problem.position <= last for problem in problems)


def _rewritten(mismatch: Mismatch) -> Problem:
    size = mismatch.checkpoint.size
    is_forged_whole = mismatch.agreed >= size  # a checkpoint of that size fits, which nobody has signed
    first = 1 if is_forged_whole else mismatch.agreed + 1
    what = f"{'some of ' * is_forged_whole}{entries_between(first, size)} rewritten with new hashes"
    return Problem("rewritten", first, None, f"{what}: the checkpoint signed after entry {size} disagrees")
