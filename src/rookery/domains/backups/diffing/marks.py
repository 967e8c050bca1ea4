"""What differs within lines that have been replaced, by words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

Span = tuple[int, int]
"""From which character to which."""

MOST_LINES = 200
"""Lines of a block that are paired; larger blocks have been rewritten."""
LONGEST = 400
"""Characters of a line that is looked into."""
ALIKE = 0.4
"""How much two lines must have in common to be one that was changed."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class Marks(NamedTuple):
    """For each line, by its index, what differs in it."""

    old: dict[int, tuple[Span, ...]]
    new: dict[int, tuple[Span, ...]]


def marked(old: Sequence[str], new: Sequence[str]) -> Marks:
    """What differs in the lines of a block that are alike."""
    marks = Marks({}, {})
    if not old or not new or len(old) + len(new) > MOST_LINES:
        return marks
    for i, j in _paired(old, new):
        spans = _spans(old[i], new[j])
        if spans is not None:
            marks.old[i], marks.new[j] = spans
    return marks


def _paired(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Line by line where there are as many; else each new line with an old one of the same beginning."""
    if len(old) == len(new):
        return list(zip(range(len(old)), range(len(new)), strict=True))
    by_beginning: dict[str, list[int]] = {}
    for i, line in enumerate(old):
        by_beginning.setdefault(_beginning(line), []).append(i)
    pairs: list[tuple[int, int]] = []
    for j, line in enumerate(new):
        if waiting := by_beginning.get(_beginning(line)):
            pairs.append((waiting.pop(0), j))
    return pairs


def _beginning(line: str) -> str:
    return " ".join(line.split()[:2])


def _spans(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    if max(len(old), len(new)) > LONGEST:
        return None
    a, b = _WORD.findall(old), _WORD.findall(new)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < ALIKE:
        return None
    differing = [each[1:] for each in matcher.get_opcodes() if each[0] != "equal"]
    return (
        tuple(_characters(a, start, end) for start, end, _, _ in differing if end > start),
        tuple(_characters(b, start, end) for _, _, start, end in differing if end > start),
    )


def _characters(words: list[str], start: int, end: int) -> Span:
    first = sum(map(len, words[:start]))
    return first, first + sum(map(len, words[start:end]))
