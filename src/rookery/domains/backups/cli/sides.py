"""A difference side by side: old on the left, new on the right, each within its half of the terminal.

Lines that are longer go on below. What differs within a line is underlined, or marked beneath where there are
no colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import NamedTuple

import click
from rich.cells import cell_len, set_cell_size

from rookery.domains.backups.diffing import Diff, Line
from rookery.faces.cli.output import printable

COLOURS = {"removed": "red", "added": "green"}
NARROWEST = 20
TAB = 4
MARK = "^"


class _Piece(NamedTuple):
    """Text that is so many columns wide, and whether it is part of what differs."""

    text: str
    width: int
    is_marked: bool


_Row = Sequence[_Piece]
_EMPTY = Line("same", "")


def side_by_side(difference: Diff, width: int, *, in_colour: bool) -> Iterator[str]:
    """Lines of at most `width` columns, unless that is less than anybody can read."""
    half = max(NARROWEST, (width - 3) // 2)
    for hunk in difference.hunks():
        yield click.style(set_cell_size(printable(hunk.header), width).rstrip(), fg="cyan")
        for left, right in _pairs(hunk.lines):
            yield from _beside(left or _EMPTY, right or _EMPTY, half, in_colour=in_colour)


def _pairs(lines: Sequence[Line]) -> Iterator[tuple[Line | None, Line | None]]:
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


def _beside(left: Line, right: Line, half: int, *, in_colour: bool) -> Iterator[str]:
    sign = _sign(left, right)
    for old, new in zip_longest(_rows(left, half), _rows(right, half), fillvalue=()):
        shown = f"{_shown(old, left, half)} {sign} {_shown(new, right, 0)}"
        yield shown if new else shown.rstrip()
        if not in_colour and any(piece.is_marked for piece in (*old, *new)):
            yield f"{_marks(old):<{half}}   {_marks(new)}".rstrip()


def _sign(left: Line, right: Line) -> str:
    """Of what stands on both sides, on the left alone, and on the right alone, as `diff -y` has them."""
    if left.kind == "removed":
        return "|" if right.kind == "added" else "<"
    return ">" if right.kind == "added" else " "


def _rows(line: Line, half: int) -> Iterator[_Row]:
    """The line in parts that fit."""
    row: list[_Piece] = []
    room = half
    for piece in _pieces(line):
        if piece.width > room:
            yield row
            row, room = [], half
        row.append(piece)
        room -= piece.width
    yield row


def _pieces(line: Line) -> Iterator[_Piece]:
    """Character by character, as a terminal shows them."""
    marked = {at for start, end in line.spans for at in range(start, end)}
    column = 0
    for at, character in enumerate(line.text):
        text = " " * (TAB - column % TAB) if character == "\t" else printable(character)
        width = cell_len(text)
        column += width
        yield _Piece(text, width, at in marked)


def _shown(row: _Row, line: Line, width: int) -> str:
    """In the colour of its line, filled up to a width."""
    colour = COLOURS.get(line.kind)
    parts: list[str] = []
    for is_marked, pieces in groupby(row, attrgetter("is_marked")):
        text = "".join(piece.text for piece in pieces)
        parts.append(click.style(text, fg=colour, bold=is_marked or None, underline=is_marked or None))
    return "".join(parts) + " " * (width - sum(piece.width for piece in row))


def _marks(row: _Row) -> str:
    return "".join((MARK if piece.is_marked else " ") * piece.width for piece in row).rstrip()
