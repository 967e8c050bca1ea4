"""How many tasks there are of each type in each status, without counting those that have ended.

What has not ended is counted where it stands, in an index of little else; what has ended grows for ever,
and is counted as it ends.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.rules import ENDED, TaskStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection

SUMMED_UP_FROM = 1_000
"""Rows from which the tally is summed up."""

TALLY_LOCK = 0x74616C6C  # "tall"
"""Whoever sums up holds this lock: two who delete the same rows would wait for each other."""


_UNENDED = """
    SELECT type, status, COUNT(*) FROM task
    WHERE status <> 'completed' AND status IN ('pending', 'scheduled', 'running', 'retrying')
    GROUP BY type, status"""


class Tally:
    """By how much a transaction changes the number of tasks that have ended; written once, in it."""

    def __init__(self) -> None:
        self._changes: Counter[tuple[str, str]] = Counter()

    def add(self, type_: str, status: str, count: int = 1) -> None:
        """So many tasks more, or fewer."""
        if status in ENDED:
            self._changes[type_, status] += count

    def move(self, type_: str, before: str, after: str) -> None:
        """A task goes from one status to another."""
        self.add(type_, before, -1)
        self.add(type_, after)

    def write(self, connection: Connection) -> None:
        """Write down what has changed."""
        rows = [
            {"type": type_, "status": status, "change": change}
            for (type_, status), change in self._changes.items()
            if change
        ]
        if rows:
            sql.run(
                connection,
                "INSERT INTO task_tally (type, status, change) VALUES (:type, :status, :change)",
                rows,
            )
        self._changes.clear()


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """For each type, how many of its tasks are in each status."""
    found: dict[str, dict[str, int]] = {}
    ended = sql.run(connection, "SELECT type, status, SUM(change) FROM task_tally GROUP BY type, status")
    for type_, status, count in (*ended, *sql.run(connection, _UNENDED)):
        if count:
            found.setdefault(type_, dict.fromkeys(TaskStatus, 0))[status] = int(count)
    return found


def sum_up(connection: Connection, at_least: int = SUMMED_UP_FROM) -> None:
    """Replace the rows there are by their sums, when they have become so many."""
    sql.one_at_a_time(connection, TALLY_LOCK)
    newest = sql.run(connection, "SELECT MAX(id) - MIN(id) FROM task_tally").scalar()
    if (newest or 0) < at_least:
        return
    tally = Tally()
    for type_, status, change in sql.run(connection, "DELETE FROM task_tally RETURNING type, status, change"):
        tally.add(type_, status, change)
    tally.write(connection)
