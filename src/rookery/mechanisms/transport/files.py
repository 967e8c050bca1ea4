"""Files that templates look at: below the paths a person named and nowhere else, or from memory."""

from __future__ import annotations

import asyncio
import os
import stat
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rookery.mechanisms.engine import FileAnswer, FileAsk
from rookery.mechanisms.transport.errors import FileUnreadable, OutOfScope

MOST_KEPT = 4  # files whose text is kept for the templates that ask next
MOST_FILES = 100_000  # below one folder


class DiskFiles:
    """Reads regular files at or below `roots`; links that lead elsewhere, devices and pipes are refused."""

    def __init__(self, roots: Iterable[Path | str]) -> None:
        self._roots = tuple(Path(root) for root in roots)
        self._kept: OrderedDict[FileAsk, FileAnswer] = OrderedDict()
        self._reading = asyncio.Lock()

    async def read(self, ask: FileAsk) -> FileAnswer:
        """The beginning of a file. OutOfScope or FileUnreadable, in one line, when it cannot be read."""
        async with self._reading:
            if ask not in self._kept:
                self._kept[ask] = await asyncio.to_thread(self._read, ask)
                if len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return self._kept[ask]

    def _read(self, ask: FileAsk) -> FileAnswer:
        path = Path(ask.name).resolve()
        if not any(path.is_relative_to(root.resolve()) for root in self._roots):
            raise OutOfScope(f"{ask.name}: the file lies outside of what was given to be scanned")
        try:
            return _beginning(path, ask.most)
        except OSError as error:
            raise FileUnreadable(f"{ask.name}: {(error.strerror or 'cannot be read').lower()}") from None


def _beginning(path: Path, most: int) -> FileAnswer:
    """Opened so that neither a link put there meanwhile is followed nor a pipe waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        data = file.read(most + 1)
    return FileAnswer(data[:most], len(data) > most)


class MemoryFiles:
    """Texts by name, such as stored device configurations."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = texts

    async def read(self, ask: FileAsk) -> FileAnswer:
        """The beginning of a text. FileUnreadable when there is none of that name."""
        if ask.name not in self._texts:
            raise FileUnreadable(f"{ask.name}: there is no such text")
        data = self._texts[ask.name]
        return FileAnswer(data[: ask.most], len(data) > ask.most)


def files_below(path: Path) -> Iterator[str]:
    """The regular files at or below a path, in a stable order; links that lead out of it are left out.

    FileUnreadable when there are more than MOST_FILES."""
    if not path.is_dir():
        yield str(path)
        return
    root, count = path.resolve(), 0
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file() and file.resolve().is_relative_to(root):
                count += 1
                if count > MOST_FILES:
                    raise FileUnreadable(f"{path}: more than {MOST_FILES:,} files; give a folder below it")
                yield str(file)
