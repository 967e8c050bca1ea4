"""One line at the foot of a terminal that says how far a command has got, below what it has said so far."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from rookery.faces.cli.shell import current_shell

BAR_WIDTH = 20  # characters
ERASE = "\r\x1b[K"


def has_status_line() -> bool:
    """Whether standard error is a terminal on which a line can be erased."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """A bar to be called with how much is done, of how much, and a text; shown wherever that can be seen."""
    line = StatusLine() if has_status_line() and not current_shell().quiet else None
    shown = -1

    def show(done: int, total: int, text: str) -> None:
        nonlocal shown
        tenths = 1000 * done // max(total, 1)
        if line is not None and tenths != shown:  # what nobody would see costs nothing
            shown = tenths
            line.show(tenths / 10, text)

    try:
        yield show
    finally:
        if line is not None:
            line.hide()


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
