"""Every success that the database ever records, counted by itself: workers know nothing of it."""

from __future__ import annotations

from collections import Counter

from rookery import app
from rookery.mechanisms.store import sql

_TABLE = "CREATE TABLE success (id TEXT)"
_TRIGGER = (
    "CREATE TRIGGER count_success AFTER UPDATE OF status ON task {each} WHEN (new.status = 'completed') "
)
_SQLITE = (_TABLE, _TRIGGER.format(each="") + "BEGIN INSERT INTO success VALUES (new.id); END")
_POSTGRESQL = (
    _TABLE,
    """CREATE FUNCTION count_success() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN INSERT INTO success VALUES (new.id); RETURN NULL; END'""",
    _TRIGGER.format(each="FOR EACH ROW") + "EXECUTE FUNCTION count_success()",
)


def count_successes(rook: app.Rook) -> None:
    """From now on."""
    with rook.engine.begin() as connection:
        for statement in _SQLITE if sql.is_sqlite(connection) else _POSTGRESQL:
            sql.run(connection, statement)


def successes(rook: app.Rook) -> Counter[str]:
    """How often each task has become completed."""
    with rook.engine.begin() as connection:
        return Counter(sql.run(connection, "SELECT id FROM success").scalars())
