"""Finding and reading template files. Of 10,000 files, pathlib would take most of the time of a start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from rookery.mechanisms.engine import LARGEST_DOCUMENT, TemplateError

ENDINGS = (".yaml", ".yml")
USUAL = 64 << 10  # bytes read at a time: nearly every template at once


class Found(NamedTuple):
    """A template file: its path, and that of the file it is in the end, without links."""

    path: str
    whole: str


def find_files(folder: Path, closed: list[OSError]) -> list[Found]:
    """The template files at any depth, in a stable order; `closed` gets the folders that cannot be looked
    into."""
    found: list[Found] = []
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        try:
            entries = list(os.scandir(place))
        except OSError as error:
            closed.append(error)
            continue
        whole = os.path.realpath(place)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.name.endswith(ENDINGS) and (one := _found(entry, whole)) is not None:
                found.append(one)
    return sorted(found)


def _found(entry: os.DirEntry[str], folder: str) -> Found | None:
    if entry.is_symlink():
        return Found(entry.path, os.path.realpath(entry.path)) if Path(entry).is_file() else None
    return Found(entry.path, f"{folder}{os.sep}{entry.name}") if entry.is_file() else None


def template_files(folder: Path, closed: list[OSError]) -> list[Path]:
    """The same as paths."""
    return [Path(found.path) for found in find_files(folder, closed)]


def read_file(path: str | Path) -> bytes:
    """The bytes of a template file, at most one more than it may have. TemplateError if it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}", path=str(path)) from None


def _read(descriptor: int) -> bytes:
    data = os.read(descriptor, USUAL)
    more = data
    while len(more) == USUAL and len(data) <= LARGEST_DOCUMENT:
        more = os.read(descriptor, USUAL)
        data += more
    return data[: LARGEST_DOCUMENT + 1]
