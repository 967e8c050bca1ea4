"""Every success that the database ever records, counted by itself: workers know nothing of it."""

from __future__ import annotations

from collections import Counter

from rookery import app
from rookery.mechanisms.store import sql

_COUNT = (
    "CREATE TABLE success (id TEXT)",
    """CREATE TRIGGER count_success AFTER UPDATE OF status ON task WHEN new.status = 'completed'
       BEGIN INSERT INTO success VALUES (new.id); END""",
)


def count_successes(rook: app.Rook) -> None:
    """From now on; on SQLite."""
    with rook.engine.begin() as connection:
        for statement in _COUNT:
            sql.run(connection, statement)


def successes(rook: app.Rook) -> Counter[str]:
    """How often each task has become completed."""
    with rook.engine.begin() as connection:
        return Counter(sql.run(connection, "SELECT id FROM success").scalars())
