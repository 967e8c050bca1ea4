"""Where a command's targets come from: its arguments, files, standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rookery.app import Rook

MOST = 1_000_000  # lines
LARGEST = 64 << 20  # characters of one file
STDIN = Path("-")


def listed(given: Iterable[str], files: Iterable[Path]) -> tuple[str, ...]:
    """What is named, each once: `-` is standard input, a file has one per line; # begins a remark."""
    texts: list[str] = []
    for each in given:
        texts += _lines(_read(STDIN)) if each == str(STDIN) else [each]
    for file in files:
        texts += _lines(_read(file))
    return tuple(dict.fromkeys(texts))


def of_inventory(rook: Rook, filter_: str | None) -> tuple[str, ...]:
    """The addresses of the enabled devices that a filter chooses, each once; none without a filter."""
    if filter_ is None:
        return ()
    found = dict.fromkeys(each.address for each in rook.devices.list(filter_) if each.is_enabled)
    if not found:
        raise click.UsageError("No enabled device fits: rookery devices list shows those there are.")
    return tuple(found)


inventory_option = click.option(
    "--devices",
    metavar="FILTER",
    help="The addresses of the inventory's devices that FILTER chooses; '' is all.",
)


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")][:MOST]


def _read(file: Path) -> str:
    if file == STDIN:
        return sys.stdin.read(LARGEST)
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            return lines.read(LARGEST)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None
