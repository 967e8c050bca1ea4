"""Output: JSON for programs; for people a table on a terminal, and aligned plain text in a pipe.

Data goes to standard output, notes to standard error. What comes from outside is shown, never obeyed: control
characters and those that turn the direction of text are spelt out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import click

from rookery.faces.cli.shell import Shell, current_shell, pass_rook

if TYPE_CHECKING:
    from rich.text import Text

__all__ = [
    "NO_WORKER",
    "SHOWN_ID",
    "Column",
    "Shell",
    "Styled",
    "current_shell",
    "emit_json",
    "emit_jsonl",
    "emit_list",
    "json_option",
    "note",
    "pass_rook",
    "printable",
    "table",
    "took",
    "without_blanks",
]

NO_WORKER = "No worker is there to do it: start one with\n  rookery worker"

SHOWN_ID = 13
"""Characters of an id in a table: those made in one millisecond alone may share them."""

C = TypeVar("C", bound=Callable[..., Any])

_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)
_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_UNPRINTABLE |= {code: f"\\u{code:04x}" for code in (*_DIRECTIONS, 0x2028, 0x2029)}
_UNPRINTABLE |= {9: " ", 10: "\\n", 13: "\\r"}


class Column(NamedTuple):
    """A column's title; `right` for numbers, `whole` for what must not be broken over lines.

    On a terminal too narrow for the row, `spare` columns are left out, and what is left of `cut` ones ends in
    an ellipsis; the others go on in the next line.
    """

    title: str
    right: bool = False
    whole: bool = False
    spare: bool = False
    cut: bool = False


class Styled(NamedTuple):
    """A cell with a rich style, which only shows where there are colours."""

    text: str
    style: str


def json_option(command: C) -> C:
    """The option `--json`, given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(
        command
    )


def emit_json(document: object) -> None:
    """Write one indented JSON document. Structs, dataclasses, dates and paths may be anywhere in it."""
    import msgspec

    click.echo(msgspec.json.format(_encoded(document), indent=2).decode())


def emit_list(items: Iterable[object], next_page: str | None = None) -> None:
    """Write the JSON document that every list has: `{"items": […], "next": …}`."""
    emit_json({"items": list(items), "next": next_page})


def emit_jsonl(rows: Iterable[object]) -> None:
    """Write one line of JSON for each row, as it comes."""
    for row in rows:
        click.echo(_encoded(row).decode())


def note(text: str) -> None:
    """Tell the person at the keyboard, on standard error, unless they asked for quiet."""
    if not current_shell().quiet:
        click.echo(text, err=True)


def printable(value: object) -> str:
    """A value as one line of text that no terminal takes for a command. None is nothing."""
    return "" if value is None else str(value).translate(_UNPRINTABLE)


def has_colour() -> bool:
    """Whether what is written to standard output is shown in colours."""
    colour = current_shell().colour
    return sys.stdout.isatty() if colour is None else colour


def took(milliseconds: float) -> str:
    """A duration as people read it: 4.2 s, 3 min 20 s, 2 h 05 min."""
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def without_blanks(payload: Any) -> Any:
    """A payload without what it leaves at nothing, for people."""
    if not isinstance(payload, dict):
        return payload
    told = {key: without_blanks(value) for key, value in payload.items()}
    return {key: value for key, value in told.items() if value not in (None, "", [], {})}


def table(columns: Sequence[str | Column], rows: Iterable[Sequence[object]], *, empty: str = "") -> None:
    """Write rows below their titles; without rows, the note `empty`, which says what to do to get some."""
    titles = [column if isinstance(column, Column) else Column(column) for column in columns]
    cells = [
        [cell if isinstance(cell, Styled) else Styled(printable(cell), "") for cell in row] for row in rows
    ]
    if not cells:
        note(empty)
    elif sys.stdout.isatty():
        _rich_table(titles, cells)
    else:
        _plain_table(titles, cells)


def _plain_table(columns: Sequence[Column], rows: Sequence[Sequence[Styled]]) -> None:
    lines = [
        [column.title.upper() for column in columns],
        *([printable(c.text) for c in row] for row in rows),
    ]
    widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    for line in lines:
        aligned = [
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        ]
        click.echo("  ".join(aligned).rstrip())


def _rich_table(columns: Sequence[Column], rows: Sequence[Sequence[Styled]]) -> None:
    from rich.console import Console
    from rich.table import Table

    colour = current_shell().colour is not False
    console = Console(file=sys.stdout, highlight=False, color_system="auto" if colour else None)
    grid = Table(box=None, pad_edge=False, header_style="dim")
    shown = _fitting(columns, rows, console.width)
    for column in (columns[index] for index in shown):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        grid.add_column(column.title.upper(), justify=justify, no_wrap=column.whole, overflow="fold")
    for row in rows:
        grid.add_row(*(_rich_text(columns[index], row[index]) for index in shown))
    console.print(grid)


def _rich_text(column: Column, cell: Styled) -> Text:
    from rich.text import Text

    text = Text(printable(cell.text), style=cell.style)
    if column.cut:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[Styled]], width: int) -> list[int]:
    """The columns to show in this width: all, or all that are not spare."""
    texts = ([column.title for column in columns], *([printable(cell.text) for cell in row] for row in rows))
    needed = sum(max(map(len, column)) for column in zip(*texts, strict=True)) + 2 * (len(columns) - 1)
    return [index for index, column in enumerate(columns) if needed <= width or not column.spare]


def _encoded(document: object) -> bytes:
    import msgspec

    return msgspec.json.encode(document, enc_hook=str)
