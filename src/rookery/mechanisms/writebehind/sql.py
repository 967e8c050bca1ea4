"""A sink into a SQL database that delivers exactly once: rows and cursor move in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from sqlalchemy import delete

from rookery.mechanisms.writebehind.batch import Batch
from rookery.mechanisms.writebehind.models import WritebehindCursor

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

# A write comes first: it takes the lock on the row (PostgreSQL) or the file (SQLite) before anything is read.
# In the driver's own words: a batch may be one item, and compiling would cost more than storing it.
_OPEN = (
    "INSERT INTO writebehind_cursor (stream, seq) VALUES ({0}, 0) "
    "ON CONFLICT (stream) DO UPDATE SET seq = writebehind_cursor.seq RETURNING seq"
)
_MOVE = "UPDATE writebehind_cursor SET seq = {0} WHERE stream = {0}"
_MARKS = {"sqlite": "?", "postgresql": "%s"}


class SqlSink(Generic[T]):
    """`write(connection, batch)` stores the items and must not commit; items stored before are left out.

    A retry after a commit of unknown outcome, and a replay after a crash, so change nothing.
    """

    def __init__(self, engine: Engine, write: Callable[[Connection, Batch[T]], None]) -> None:
        self._engine, self._write = engine, write
        mark = _MARKS[engine.dialect.name]
        self._open, self._move = _OPEN.format(mark), _MOVE.format(mark)

    def __call__(self, batch: Batch[T]) -> None:
        with self._engine.begin() as connection:
            cursor = connection.exec_driver_sql(self._open, (batch.stream,)).scalar_one()
            fresh = batch if batch.seqs[0] > cursor else _after(cursor, batch)
            if fresh:
                connection.exec_driver_sql(self._move, (batch.seqs[-1], batch.stream))
                self._write(connection, fresh)

    def retire(self, stream: str) -> None:
        """Forget the cursor of a stream that has ended and can never be replayed."""
        with self._engine.begin() as connection:
            connection.execute(delete(WritebehindCursor).where(WritebehindCursor.stream == stream))


def _after(cursor: int, batch: Batch[T]) -> Batch[T]:
    kept = [(seq, item) for seq, item in zip(batch.seqs, batch, strict=True) if seq > cursor]
    seqs = [seq for seq, _ in kept]
    items = [item for _, item in kept]
    return Batch(items, stream=batch.stream, seqs=seqs, recovered=batch.recovered, let_in=batch.let_in)


def sql_sink(engine: Engine, write: Callable[[Connection, Batch[T]], None]) -> SqlSink[T]:
    """A sink for BatchQueue that writes through `engine`, whose database has the table writebehind_cursor."""
    return SqlSink(engine, write)
