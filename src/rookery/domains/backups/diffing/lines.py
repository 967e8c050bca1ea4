"""Which lines two texts have in common, in order.

Lines that stand once in both are matched first, as many as keep their order (Bram Cohen's patience diff: a
longest increasing subsequence); between these, the same again. Where nothing stands once, Myers' greedy
algorithm (E. Myers, "An O(ND) Difference Algorithm", 1986) finds the shortest script, as long as that is
short; beyond, the stretch counts as replaced. So the worst input takes no longer than a few passes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

LONGEST_SCRIPT = 400
"""Deletions and insertions that Myers' algorithm is allowed: its memory grows with their square."""


class Change(NamedTuple):
    """old[old_start:old_end] has become new[new_start:new_end]; either may be empty."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


class _Stretch(NamedTuple):
    old_start: int
    old_end: int
    new_start: int
    new_end: int


Pair = tuple[int, int]


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """What to replace to make one of the other, from the top; no change touches the next."""
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in old]
    b = [numbers.setdefault(line, len(numbers)) for line in new]
    return list(_between(sorted(_matches(a, b)), len(a), len(b)))


def _between(pairs: list[Pair], old_length: int, new_length: int) -> Iterator[Change]:
    i = j = 0
    for old_at, new_at in (*pairs, (old_length, new_length)):
        if old_at > i or new_at > j:
            yield Change(i, old_at, j, new_at)
        i, j = old_at + 1, new_at + 1


def _matches(a: list[int], b: list[int]) -> Iterator[Pair]:
    """Pairs of equal lines, no two of which cross, in no order."""
    stretches = [_Stretch(0, len(a), 0, len(b))]
    while stretches:
        stretch = stretches.pop()
        head, stretch = _head(a, b, stretch)
        yield from head
        tail, stretch = _tail(a, b, stretch)
        yield from tail
        if stretch.old_start == stretch.old_end or stretch.new_start == stretch.new_end:
            continue
        if anchors := _increasing(_once_in_both(a, b, stretch)):
            yield from anchors
            stretches += _split(stretch, anchors)
        else:
            yield from _shortest(a, b, stretch)


def _head(a: list[int], b: list[int], stretch: _Stretch) -> tuple[list[Pair], _Stretch]:
    i, i_end, j, j_end = stretch
    while i < i_end and j < j_end and a[i] == b[j]:
        i, j = i + 1, j + 1
    pairs = list(zip(range(stretch.old_start, i), range(stretch.new_start, j), strict=True))
    return pairs, _Stretch(i, i_end, j, j_end)


def _tail(a: list[int], b: list[int], stretch: _Stretch) -> tuple[list[Pair], _Stretch]:
    i, i_end, j, j_end = stretch
    while i_end > i and j_end > j and a[i_end - 1] == b[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    pairs = list(zip(range(i_end, stretch.old_end), range(j_end, stretch.new_end), strict=True))
    return pairs, _Stretch(i, i_end, j, j_end)


def _once_in_both(a: list[int], b: list[int], stretch: _Stretch) -> list[Pair]:
    """The lines that stand once on each side, from the top of the old one."""
    old, new = (
        _once(a, stretch.old_start, stretch.old_end),
        _once(b, stretch.new_start, stretch.new_end),
    )
    return [(at, new[line]) for line, at in old.items() if at >= 0 and new.get(line, -1) >= 0]


def _once(lines: list[int], start: int, end: int) -> dict[int, int]:
    """Where each line stands; -1 for those that stand more than once."""
    found: dict[int, int] = {}
    for at in range(start, end):
        line = lines[at]
        found[line] = -1 if line in found else at
    return found


def _increasing(pairs: list[Pair]) -> list[Pair]:
    """A longest subsequence that increases on the new side, too, by patience sorting."""
    tops: list[int] = []
    last: list[int] = []  # the index into pairs of each pile's top
    before: list[int] = []
    for index, (_, new_at) in enumerate(pairs):
        pile = bisect_left(tops, new_at)
        before.append(last[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [new_at]
        last[pile : pile + 1] = [index]
    chosen = []
    index = last[-1] if last else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]


def _split(stretch: _Stretch, anchors: list[Pair]) -> Iterator[_Stretch]:
    i, j = stretch.old_start, stretch.new_start
    for old_at, new_at in (*anchors, (stretch.old_end, stretch.new_end)):
        if old_at > i and new_at > j:
            yield _Stretch(i, old_at, j, new_at)
        i, j = old_at + 1, new_at + 1


def _shortest(a: list[int], b: list[int], stretch: _Stretch) -> Iterator[Pair]:
    """The pairs that the shortest script leaves; none when that is longer than allowed."""
    if set(a[stretch.old_start : stretch.old_end]).isdisjoint(b[stretch.new_start : stretch.new_end]):
        return
    trace = _traced(a, b, stretch)
    if trace is None:
        return
    x, y = stretch.old_end - stretch.old_start, stretch.new_end - stretch.new_start
    for depth in range(len(trace) - 1, -1, -1):
        furthest, k = trace[depth], x - y
        is_down = k == -depth or (k != depth and furthest.get(k - 1, -1) < furthest.get(k + 1, -1))
        k_before = k + 1 if is_down else k - 1
        x_before = furthest.get(k_before, 0)
        y_before = x_before - k_before
        while x > x_before and y > y_before:
            x, y = x - 1, y - 1
            yield stretch.old_start + x, stretch.new_start + y
            if depth and (x, y) == _after_step(x_before, y_before, is_down=is_down):
                break
        x, y = x_before, y_before


def _after_step(x: int, y: int, *, is_down: bool) -> Pair:
    return (x, y + 1) if is_down else (x + 1, y)


def _traced(a: list[int], b: list[int], stretch: _Stretch) -> list[dict[int, int]] | None:
    """The furthest points of each diagonal before each step, until the end is reached."""
    old_start, old_end, new_start, new_end = stretch
    n, m = old_end - old_start, new_end - new_start
    furthest: dict[int, int] = {1: 0}
    trace: list[dict[int, int]] = []
    for depth in range(min(n + m, LONGEST_SCRIPT) + 1):
        trace.append(dict(furthest))
        for k in range(-depth, depth + 1, 2):
            is_down = k == -depth or (k != depth and furthest.get(k - 1, -1) < furthest.get(k + 1, -1))
            x = furthest.get(k + 1, 0) if is_down else furthest.get(k - 1, 0) + 1
            y = x - k
            while x < n and y < m and a[old_start + x] == b[new_start + y]:
                x, y = x + 1, y + 1
            furthest[k] = x
            if x >= n and y >= m:
                return trace
    return None
