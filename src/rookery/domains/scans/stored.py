"""Stored configurations as targets: `device:r1`, `device:*`, or `device:` with a filter, such as tag:core.

Templates of the file protocol look at them as at files: `device:r1/running.conf`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from rookery.base.errors import NotFound, RookeryError
from rookery.domains.scans.endpoints import STORED
from rookery.mechanisms.engine import FileAnswer, FileAsk
from rookery.mechanisms.texts import Texts
from rookery.mechanisms.transport import DiskFiles, FileUnreadable

FILE: Final = "/running.conf"
"""A name with an extension: by that, templates choose what they look at."""
MOST_KEPT: Final = 4
"""Texts that are kept for the templates that ask next, within a run."""


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
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._reading = asyncio.Lock()

    async def read(self, ask: FileAsk) -> FileAnswer:
        """The beginning of a file. OutOfScope or FileUnreadable, in one line, when it cannot be read."""
        if not is_stored(ask.name):
            return await self._disk.read(ask)
        async with self._reading:
            data = self._kept.get(ask.name)
            if data is None:
                data = self._kept[ask.name] = await asyncio.to_thread(self._stored, ask.name)
                if len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return FileAnswer(data[: ask.most], len(data) > ask.most)

    def _stored(self, file: str) -> bytes:
        name = file.removeprefix(STORED).removesuffix(FILE)
        try:
            data = None if self._texts is None else self._texts.read(name)
        except NotFound:
            data = None
        if data is None:
            raise FileUnreadable(f"{file}: there is no such configuration any more")
        return data
