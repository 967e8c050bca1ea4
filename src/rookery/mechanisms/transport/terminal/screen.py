"""What a person would see of what a device sends: escape sequences, overwriting and erasing carried out.

ECMA-48 sequences that only dress text up are left out; a carriage return, a backspace and "erase in line"
do what they do on a terminal. Lines without any of these, nearly all, are left as they are.
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences, such as colours
    r"|\x1b\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)"  # titles of windows
    r"|\x1b[ -/]{0,2}[0-~]"  # other escapes
    r"|[\r\x08\x00-\x07\x0b\x0c\x0e-\x1f\x7f]"
    r"|[^\r\x08\x1b\x00-\x07\x0b\x0c\x0e-\x1f\x7f]+"
)
_SPECIAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ERASES = {"\x1b[K", "\x1b[0K"}
_ERASES_ALL = {"\x1b[2K", "\x1b[2J"}


def rendered(text: str) -> str:
    """The lines of a text as they would stand on a screen of endless width, without blanks at their ends."""
    text = text.replace("\r\n", "\n")
    if not _SPECIAL.search(text):
        return text
    return "\n".join(_line(line) if _SPECIAL.search(line) else line for line in text.split("\n"))


def _line(line: str) -> str:
    cells: list[str] = []
    at = 0
    for piece in _PIECE.findall(line.rstrip("\r")):
        if piece == "\r" or piece in _ERASES_ALL:
            at = 0
            cells = [] if piece in _ERASES_ALL else cells
        elif piece == "\b":
            at = max(0, at - 1)
        elif piece in _ERASES:
            del cells[at:]
        elif piece.isprintable() or not _SPECIAL.search(piece):
            cells[at : at + len(piece)] = piece
            at += len(piece)
    return "".join(cells).rstrip() if "\r" in line or "\b" in line else "".join(cells)
