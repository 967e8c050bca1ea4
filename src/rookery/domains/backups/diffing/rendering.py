"""A difference as text: unified, as `patch` takes it, or side by side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from rookery.domains.backups.diffing.hunks import Diff, Line

SIGNS = {"same": " ", "removed": "-", "added": "+"}
GUTTER = {"same": " ", "removed": "<", "added": ">", "changed": "|"}
NARROWEST = 20


def unified(difference: Diff, old_name: str, new_name: str) -> Iterator[str]:
    """Lines without their ends; nothing when nothing differs."""
    if difference.is_empty:
        return
    yield f"--- {old_name}"
    yield f"+++ {new_name}"
    for hunk in difference.hunks():
        yield hunk.header
        for line in hunk.lines:
            yield SIGNS[line.kind] + line.text


def side_by_side(difference: Diff, width: int = 160) -> Iterator[str]:
    """Old on the left, new on the right, each cut to its half of `width` columns."""
    half = max(NARROWEST, (width - 3) // 2)
    for hunk in difference.hunks():
        yield hunk.header[:width]
        for left, right in _rows(hunk.lines):
            yield _row(left, right, half)


def _rows(lines: tuple[Line, ...]) -> Iterator[tuple[Line | None, Line | None]]:
    removed: list[Line] = []
    added: list[Line] = []
    for line in (*lines, None):
        if line is not None and line.kind != "same":
            (removed if line.kind == "removed" else added).append(line)
            continue
        yield from zip_longest(removed, added)
        removed, added = [], []
        if line is not None:
            yield line, line


def _row(left: Line | None, right: Line | None, half: int) -> str:
    kind = "changed" if left and right and left is not right else (left or right or Line("same", "")).kind
    old, new = (_cut(line.text if line else "", half) for line in (left, right))
    return f"{old:<{half}} {GUTTER[kind]} {new}".rstrip()


def _cut(text: str, width: int) -> str:
    shown = text.expandtabs(4)
    return shown if len(shown) <= width else shown[: width - 1] + "…"
