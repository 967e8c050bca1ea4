"""Changes with what stands around them, under the section that they are in; noise left out, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from rookery.domains.backups.diffing.lines import Change, changes
from rookery.domains.backups.diffing.marks import Span, marked

CONTEXT = 3
BETWEEN = " › "
"""Between a section and the one within it."""
COMMENTS = ("!", "#")

Kind = Literal["same", "removed", "added"]


class Line(NamedTuple):
    """A line as it is shown: numbers from 1, on the sides where it stands; `spans` are what differs in it."""

    kind: Kind
    text: str
    old_number: int | None = None
    new_number: int | None = None
    spans: tuple[Span, ...] = ()


class Hunk(NamedTuple):
    """Changes that are near each other. `section` is the path to the first of them."""

    section: str
    old_start: int
    old_length: int
    new_start: int
    new_length: int
    lines: tuple[Line, ...]

    @property
    def header(self) -> str:
        """As in a unified diff, and after it the section."""
        ranges = (
            f"@@ -{_range(self.old_start, self.old_length)} +{_range(self.new_start, self.new_length)} @@"
        )
        return f"{ranges} {self.section}" if self.section else ranges


def _range(start: int, length: int) -> str:
    """GNU's way: a range of nothing is said to be after the line before it."""
    return f"{start if length else start - 1}" + ("" if length == 1 else f",{length}")


class Diff:
    """The difference between two texts.

    Noise that stands near other changes is shown with them; `hidden` counts the lines of the rest of it.
    """

    def __init__(
        self, old: Sequence[str], new: Sequence[str], is_noise: Callable[[str], bool] | None, context: int
    ) -> None:
        self.old, self.new = old, new
        self._context = context
        self._is_noise = is_noise
        every = changes(old, new)
        groups = list(self._grouped(every))
        self._groups = [group for group in groups if not all(map(self._is_noisy, group))]
        shown = [change for group in self._groups for change in group]
        self.added = sum(change.new_end - change.new_start for change in shown)
        self.removed = sum(change.old_end - change.old_start for change in shown)
        self.hidden = sum(map(_size, every)) - self.added - self.removed

    @property
    def is_empty(self) -> bool:
        """Whether nothing but noise differs."""
        return not self._groups

    def hunks(self) -> Iterator[Hunk]:
        """The changes, from the top; those with few lines between them together."""
        return map(self._hunk, self._groups)

    def _grouped(self, every: list[Change]) -> Iterator[list[Change]]:
        group: list[Change] = []
        for change in every:
            if group and change.old_start - group[-1].old_end > 2 * self._context:
                yield group
                group = []
            group.append(change)
        if group:
            yield group

    def _is_noisy(self, change: Change) -> bool:
        if self._is_noise is None:
            return False
        old, new = self._sides(change)
        return all(map(self._is_noise, old)) and all(map(self._is_noise, new))

    def _sides(self, change: Change) -> tuple[Sequence[str], Sequence[str]]:
        return self.old[change.old_start : change.old_end], self.new[change.new_start : change.new_end]

    def _hunk(self, group: list[Change]) -> Hunk:
        first, last = group[0], group[-1]
        before = min(self._context, first.old_start)
        old_start, new_start = first.old_start - before, first.new_start - before
        old_end = min(last.old_end + self._context, len(self.old))
        new_end = last.new_end + old_end - last.old_end
        lines = tuple(self._lines(group, old_start, old_end, new_start))
        section = self._section(first)
        return Hunk(section, old_start + 1, old_end - old_start, new_start + 1, new_end - new_start, lines)

    def _lines(self, group: list[Change], i: int, old_end: int, j: int) -> Iterator[Line]:
        for change in group:
            yield from self._same(i, change.old_start, j)
            yield from _changed(*self._sides(change), change.old_start, change.new_start)
            i, j = change.old_end, change.new_end
        yield from self._same(i, old_end, j)

    def _same(self, i: int, i_end: int, j: int) -> Iterator[Line]:
        for at in range(i_end - i):
            yield Line("same", self.old[i + at], i + at + 1, j + at + 1)

    def _section(self, change: Change) -> str:
        is_removal = change.new_start == change.new_end
        lines, parents = (self.old, self._old_parents) if is_removal else (self.new, self._new_parents)
        path: list[str] = []
        at = parents[change.old_start if is_removal else change.new_start]
        while at >= 0:
            path.append(lines[at].strip().removesuffix("{").rstrip())
            at = parents[at]
        return BETWEEN.join(reversed(path))

    @cached_property
    def _old_parents(self) -> list[int]:
        return _parents(self.old)

    @cached_property
    def _new_parents(self) -> list[int]:
        return _parents(self.new)


def diff(
    old: Sequence[str],
    new: Sequence[str],
    *,
    is_noise: Callable[[str], bool] | None = None,
    context: int = CONTEXT,
) -> Diff:
    """What has changed from one list of lines to another. Changes that consist of noise alone are hidden."""
    return Diff(old, new, is_noise, context)


def _size(change: Change) -> int:
    return change.old_end - change.old_start + change.new_end - change.new_start


def _changed(old: Sequence[str], new: Sequence[str], old_start: int, new_start: int) -> Iterator[Line]:
    spans = marked(old, new)
    for at, text in enumerate(old):
        yield Line("removed", text, old_start + at + 1, None, spans.old.get(at, ()))
    for at, text in enumerate(new):
        yield Line("added", text, None, new_start + at + 1, spans.new.get(at, ()))


def _parents(lines: Sequence[str]) -> list[int]:
    """For each line the nearest one above that is indented less, which it belongs to; -1 at the top."""
    parents: list[int] = []
    open_: list[tuple[int, int]] = []  # indentation and number of what may have lines within
    for number, line in enumerate(lines):
        bare = line.lstrip(" \t")
        indent = len(line) - len(bare)
        is_aside = not bare or bare.startswith(COMMENTS)
        while open_ and not is_aside and open_[-1][0] >= indent:
            open_.pop()
        parents.append(next((at for depth, at in reversed(open_) if depth < indent), -1))
        if not is_aside:
            open_.append((indent, number))
    return parents
