"""How secrets come in: asked for on a terminal, from a file, or from standard input; never as an argument."""

from __future__ import annotations

import sys
from pathlib import Path

import click

LARGEST = 20_000  # characters


def secret_from(what: str, file: Path | None, *, asks: bool) -> str | None:
    """A secret; None when none is given and none is to be asked for."""
    if file is not None:
        return _read(file)
    if not asks:
        return None
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"Nobody is there to be asked: give --{what.replace(' ', '-')}-file FILE, or -."
        )
    text: str = click.prompt(what.capitalize(), hide_input=True, confirmation_prompt=True, err=True)
    return text


def _read(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(LARGEST).rstrip("\r\n")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
