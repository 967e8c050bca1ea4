"""One line at the foot of a terminal that says how far a command has got, below what it has said so far."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

BAR_WIDTH = 20  # characters
ERASE = "\r\x1b[K"


def has_status_line() -> bool:
    """Whether standard error is a terminal on which a line can be erased."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class StatusLine:
    """Written to standard error; whatever else is written meanwhile goes `aside`."""

    def __init__(self) -> None:
        self._text = ""

    def show(self, percent: float, text: str) -> None:
        """Show a bar and a text, cut to the terminal's width."""
        full = round(percent / 100 * BAR_WIDTH)
        bar = "#" * full + "." * (BAR_WIDTH - full)
        width = shutil.get_terminal_size().columns - 1  # a full line would wrap, and could not be erased
        self._text = f"[{bar}] {percent:3.0f} %  {text}"[:width]
        self._write(ERASE + self._text)

    def hide(self) -> None:
        """Leave the terminal as if it had never been there."""
        if self._text:
            self._write(ERASE)
            self._text = ""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Erase the line while something is written, then show it again below that."""
        text = self._text
        self.hide()
        yield
        if text:
            self._text = text
            self._write(text)

    def _write(self, text: str) -> None:
        click.echo(text, err=True, nl=False, color=True)
