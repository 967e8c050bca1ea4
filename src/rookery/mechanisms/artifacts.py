"""Files that work leaves behind, in a folder of its own: listed and read, and nothing outside of it ever is.

A name is a path below the folder, with `/`. What is no regular file is not there: no link is followed, no
pipe waited for. Neither are names that begin with a dot, at whatever level: those are unfinished or private.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rookery.base.errors import NotFound

MOST_LISTED = 10_000
DEEPEST = 16


class ArtifactNotFound(NotFound):
    """There is no such file: it may have been pruned, or be on the machine of the worker that made it."""


class Artifact(NamedTuple):
    """A file: its name, its size in bytes, when it was changed (microseconds since 1970 UTC)."""

    name: str
    size: int
    changed_us: int


class ArtifactFolder:
    """The files of one piece of work; `hidden` are names at its top that are nobody's business."""

    def __init__(self, path: Path, hidden: frozenset[str] = frozenset()) -> None:
        self.path, self._hidden = path, hidden

    def list(self) -> list[Artifact]:
        """The files, by name: the first MOST_LISTED of them."""
        found: list[Artifact] = []
        with suppress(FileNotFoundError, NotADirectoryError):
            for artifact in self._below(self.path, ""):
                found.append(artifact)
                if len(found) == MOST_LISTED:
                    break
        return sorted(found)

    def open(self, name: str) -> BinaryIO:
        """A file, to be read. Raises ArtifactNotFound."""
        parts = name.split("/")
        if not self._is_shown(parts):
            raise self._missing(name)
        try:
            descriptor = _opened(self.path, parts)
        except (OSError, ValueError):  # ValueError: there is a NUL in it
            raise self._missing(name) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._missing(name)
        return os.fdopen(descriptor, "rb")

    def remove(self) -> None:
        """Delete the folder and what is in it. It is out of the way at once, whatever stops the rest."""
        doomed = self.path.with_name(f".{self.path.name}.removed")
        shutil.rmtree(doomed, ignore_errors=True)
        with suppress(FileNotFoundError):
            self.path.replace(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def _below(self, folder: Path, prefix: str) -> Iterator[Artifact]:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = prefix + entry.name
                if not self._is_shown(name.split("/")):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._below(folder / entry.name, f"{name}/")
                elif entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    yield Artifact(name, about.st_size, about.st_mtime_ns // 1000)

    def _is_shown(self, parts: Sequence[str]) -> bool:
        is_plain = all(part and not part.startswith(".") for part in parts)
        return is_plain and len(parts) <= DEEPEST and parts[0] not in self._hidden

    def _missing(self, name: str) -> ArtifactNotFound:
        return ArtifactNotFound(
            f"There is no file {name[:200]!r}. Without a name, those there are are listed."
        )


def _opened(folder: Path, parts: Sequence[str]) -> int:
    """A descriptor of a file below a folder, reached step by step, none of which is a link."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    for part in parts[:-1]:
        try:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        finally:
            os.close(at)
        at = inner
    try:
        # A pipe that nobody writes to would be waited for.
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
