"""The sink of our side and of the thread-pool side: a locked SQLite connection, upserts by executemany."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

UPSERT = (
    "INSERT INTO findings (uuid, data) VALUES (?, ?) ON CONFLICT (uuid) DO UPDATE SET data = excluded.data"
)


class FindingsTable:
    """Findings as JSON documents by uuid, in WAL mode with synchronous=NORMAL."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("CREATE TABLE findings (uuid TEXT PRIMARY KEY, data TEXT NOT NULL)")

    def upsert(self, rows: Iterable[tuple[str, str | bytes]]) -> None:
        """One transaction for all the rows."""
        with self._lock, self._connection:
            self._connection.executemany(UPSERT, rows)

    def count(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM findings").fetchone()[0])

    def close(self) -> None:
        self._connection.close()
