"""Between a run and whoever iterates over it: items wait here, so that neither steps the other one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.mechanisms.hooks.items import Item

AHEAD = 64  # items the run may be ahead of its reader


class Outbox:
    """A bounded hand-over on one event loop; the reader takes all there is at once."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._closed = False

    async def give(self, item: Item) -> None:
        """Add an item; waits while the reader is too far behind."""
        self._items.append(item)
        self._filled.set()
        if len(self._items) >= AHEAD:
            self._emptied.clear()
            await self._emptied.wait()

    async def take(self) -> list[Item]:
        """The items that wait, at least one; an empty list when there will be no more."""
        if not self._closed:
            await self._filled.wait()
        items, self._items = self._items, []
        if not self._closed:
            self._filled.clear()
        self._emptied.set()
        return items

    def close(self, _: object = None) -> None:
        """There will be no more."""
        self._closed = True
        self._filled.set()
