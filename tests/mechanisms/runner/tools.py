"""Small real tools for the tests: what they emit, they are told."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from rookery.mechanisms.hooks import EVENTS, Item
from rookery.mechanisms.runner import CommandRunner, Runner


class Sighting(Item):
    """A URL with a number; two of the same URL are the same sighting."""

    _identity = ("url",)

    url: str
    number: int = 0


def sightings(count: int) -> list[Sighting]:
    return [Sighting(url=f"http://127.0.0.1/{number}", number=number) for number in range(count)]


class Emits(Runner):
    """Yields what it was given, one after the other, whatever it is."""

    def __init__(self, values: Iterable[Any], **options: Any) -> None:
        super().__init__(**options)
        self.values = values

    async def produce(self) -> AsyncIterator[Any]:
        for value in self.values:
            yield value

    def convert(self, raw: Any) -> Iterable[Item]:
        return [Sighting(**raw)] if isinstance(raw, dict) else []


class PrintsJson(CommandRunner):
    """A program whose JSON lines are sightings."""

    def convert(self, raw: Any) -> Iterable[Item]:
        return [Sighting(url=raw["url"])] if isinstance(raw, dict) else []


class Trace:
    """Hooks for every event that note that they were called, and with what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.calls]

    def of(self, event: str) -> list[Any]:
        return [value for name, value in self.calls if name == event]

    def table(self) -> dict[str, Callable[..., None]]:
        return {event: self._noting(event) for event in EVENTS}

    def _noting(self, event: str) -> Callable[..., None]:
        takes_value = EVENTS[event].argument is not None

        def note(runner: Runner, value: Any) -> None:
            self.calls.append((event, value))

        def note_bare(runner: Runner) -> None:
            self.calls.append((event, None))

        return note if takes_value else note_bare


class Table:
    """A real SQLite sink for items: one row per uuid, the latest wins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS items (uuid TEXT PRIMARY KEY, body TEXT NOT NULL)")

    def upsert(self, items: list[Item]) -> None:
        rows = [(item._uuid, msgspec.json.encode(item).decode()) for item in items]
        with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO items VALUES (?, ?)", rows)

    def rows(self) -> dict[str, dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return {
                uuid: msgspec.json.decode(body) for uuid, body in connection.execute("SELECT * FROM items")
            }
