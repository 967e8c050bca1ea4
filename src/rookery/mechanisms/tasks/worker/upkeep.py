"""What a worker does from time to time, for itself and for all: each on its own clock."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from rookery.base.clock import now_us
from rookery.mechanisms.store import read_only, sql
from rookery.mechanisms.tasks import presence
from rookery.mechanisms.tasks.claiming import LEASE_SECONDS, promote, wake_forgotten
from rookery.mechanisms.tasks.losing import reclaim_dead, reclaim_expired
from rookery.mechanisms.tasks.notices import LOST, note
from rookery.mechanisms.tasks.tally import Tally, sum_up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

LOOK_FOR_DEAD = 0.25
LOOK_FOR_DUE = 1.0
BEAT = LEASE_SECONDS / 3
"""Seconds between two of each."""

LOST_AFTER_US = int(5 * LEASE_SECONDS * 1e6)
"""A worker that gives no sign of life for so long is told to be lost, and not listed until it gives one."""

_HERE = """
    INSERT INTO task_worker (id, host, types, pid, concurrency, started_us, seen_us)
    VALUES (:id, :host, :types, :pid, :concurrency, :now, :now)
    ON CONFLICT (id) DO UPDATE SET seen_us = excluded.seen_us, concurrency = excluded.concurrency"""
_GONE = "DELETE FROM task_worker WHERE id = :id OR seen_us < :lost RETURNING id, host"
_BEAT = """
    UPDATE task SET lease_until_us = :lease WHERE worker_id = :worker AND status = 'running'
    RETURNING id, attempts"""
_NEXT_DUE = "SELECT MIN(run_at_us) FROM task WHERE status IN ('scheduled', 'retrying')"


class Upkeep:
    """`turn()` does what is due, and says whether there may be something new to claim."""

    def __init__(
        self, engine: Engine, data_dir: Path, worker_id: str, types: Sequence[str], concurrency: int
    ) -> None:
        self._engine, self._reading = engine, read_only(engine)
        self._data_dir, self._worker = data_dir, worker_id
        self._facts = {
            "id": worker_id, "host": socket.gethostname(), "pid": os.getpid(),
            "types": msgspec.json.encode(types).decode(),
        }  # fmt: skip
        self.concurrency = concurrency
        self._dead: set[str] = set()
        self._beaten_us = now_us()
        self._due = _Clock(LOOK_FOR_DUE, self._look_for_due)
        self._clocks = [
            _Clock(LOOK_FOR_DEAD, self._look_for_dead), self._due, _Clock(BEAT, self.beat),
        ]  # fmt: skip
        self.next_due_us: int | None = None
        self.mine: frozenset[tuple[str, int]] | None = None

    @property
    def seconds(self) -> float:
        """Until something is due."""
        wait = min(clock.at for clock in self._clocks) - time.monotonic()
        if self.next_due_us is not None:
            wait = min(wait, (self.next_due_us - now_us()) / 1e6)
        return max(wait, 0.0)

    def turn(self) -> bool:
        """Do what is due. Raises what the database raises; it is due again at the next turn then."""
        if self.next_due_us is not None and self.next_due_us <= now_us():
            self._due.hurry()
        news = [clock.tick() for clock in self._clocks]  # each of them, whatever the others say
        return any(news)

    def hurry(self) -> None:
        """Look at everything again at the next turn: the database was away."""
        for clock in self._clocks:
            clock.hurry()

    def expect(self) -> None:
        """Something is to be done later."""
        self._due.hurry()

    def leave(self) -> None:
        """This worker is no more."""
        with self._engine.begin() as connection:
            self._forget(connection, self._worker)

    def _look_for_dead(self) -> bool:
        """Take what they had. What one had just been given when it died is seen at the second look alone."""
        dead = set(reclaim_dead(self._engine, self._data_dir))
        for worker_id in dead & self._dead:
            presence.bury(self._data_dir, worker_id)
        self._dead = dead
        if dead:
            self.expect()  # what has killed twice waits for a while
        return bool(dead)

    def _look_for_due(self) -> bool:
        with self._reading.begin() as connection:
            self.next_due_us = sql.run(connection, _NEXT_DUE).scalar()
        if self.next_due_us is not None and self.next_due_us <= now_us():
            with self._engine.begin() as connection:
                promote(connection)
                self.next_due_us = sql.run(connection, _NEXT_DUE).scalar()
        return True

    def beat(self) -> bool:
        """Say that this worker lives, and see who does not any more."""
        with self._engine.begin() as connection:
            tally = Tally()
            sql.run(connection, _HERE, self._facts | {"concurrency": self.concurrency, "now": now_us()})
            values = {"worker": self._worker, "lease": now_us() + int(LEASE_SECONDS * 1e6)}
            self.mine = frozenset((row.id, row.attempts) for row in sql.run(connection, _BEAT, values))
            if not self._was_held_up():
                reclaim_expired(connection, tally)
                self._forget(connection)
            wake_forgotten(connection)
            tally.write(connection)
            sum_up(connection)
        return True

    def _was_held_up(self) -> bool:
        """Whoever was held up itself does not judge the others: the whole machine may have slept."""
        before, self._beaten_us = self._beaten_us, now_us()
        return self._beaten_us - before > 2 * BEAT * 1e6

    def _forget(self, connection: Connection, worker_id: str = "") -> None:
        values = {"id": worker_id, "lost": now_us() - LOST_AFTER_US}
        for row in sql.run(connection, _GONE, values).all():
            if row.id != worker_id:
                note(connection, LOST, row.id, host=row.host)


class _Clock:
    def __init__(self, interval: float, act: Callable[[], bool]) -> None:
        self.interval, self.act, self.at = interval, act, 0.0

    def hurry(self) -> None:
        """It is time."""
        self.at = 0.0

    def tick(self) -> bool:
        """Act, if it is time."""
        if time.monotonic() < self.at:
            return False
        result = self.act()
        self.at = time.monotonic() + self.interval
        return result
