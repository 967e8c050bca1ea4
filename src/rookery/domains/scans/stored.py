"""Stored configurations as targets: `device:r1`, `device:*`, or `device:` with a filter, such as tag:core.

Templates of the file protocol look at them as at files: `device:r1/running.conf`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from rookery.base.errors import RookeryError
from rookery.domains.scans.endpoints import STORED
from rookery.mechanisms.engine import FileAnswer, FileAsk
from rookery.mechanisms.texts import Texts
from rookery.mechanisms.transport import DiskFiles, FileUnreadable

FILE: Final = "/running.conf"
"""A name with an extension: by that, templates choose what they look at."""


def is_stored(target: str) -> bool:
    """Whether a target is that of stored configurations."""
    return target.startswith(STORED)


def stored_files(target: str, texts: Texts | None) -> list[str]:
    """The files that a target stands for. Raises FileUnreadable when there are none."""
    if texts is None:
        raise FileUnreadable(f"{target}: there are no stored configurations here")
    try:
        names = texts.names(target.removeprefix(STORED))
    except RookeryError as error:
        raise FileUnreadable(f"{target}: {error}") from None
    if not names:
        raise FileUnreadable(f"{target}: no such device has been backed up")
    return [f"{STORED}{name}{FILE}" for name in names]


class AnyFiles:
    """Files on the disk, and stored configurations."""

    def __init__(self, disk: DiskFiles, texts: Texts | None) -> None:
        self._disk, self._texts = disk, texts

    async def read(self, ask: FileAsk) -> FileAnswer:
        """The beginning of a file. OutOfScope or FileUnreadable, in one line, when it cannot be read."""
        if not is_stored(ask.name):
            return await self._disk.read(ask)
        name = ask.name.removeprefix(STORED).removesuffix(FILE)
        data = None if self._texts is None else await asyncio.to_thread(self._texts.read, name)
        if data is None:
            raise FileUnreadable(f"{ask.name}: there is no such configuration any more")
        return FileAnswer(data[: ask.most], len(data) > ask.most)
