"""Sees to it that everything pending is on the wire: what came back, and what Redis has lost."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from rookery.base.clock import now_us
from rookery.mechanisms.tasks.rq import tickets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from rookery.mechanisms.tasks.rq.tickets import Ticket
    from rookery.mechanisms.tasks.rq.wire import Wire

log = logging.getLogger(__name__)

ROUND_SECONDS = 20
"""So often somebody compares all that is pending with what is on the wire."""

ALERT_SECONDS = 3.0
"""And for so long again and again, when Redis has forgotten everything."""

REST_SECONDS = 0.1
SETTLED_US = 1_000_000
"""What was dispatched so lately, by whatever clock, may not be there yet."""

DOUBT_SECONDS = 0.3

WAITED_US = 5_000_000
"""What has waited for so long had its turn before: it goes to the front of its queue."""


class Sweeper:
    """Works in a thread of its own, whenever it is woken; the workers do so once a second."""

    def __init__(self, engine: Engine, wire: Wire) -> None:
        self._engine, self._wire = engine, wire
        self._news = threading.Event()
        self._over = threading.Event()
        self._owes = True
        self._alert_until = 0.0
        self._is_away = False

    def wake(self) -> None:
        """There may be something to dispatch."""
        self._news.set()

    def close(self) -> None:
        """End `run`."""
        self._over.set()
        self._news.set()

    def run(self) -> None:
        """Sweep when woken, until closed; and once more, for what was given back."""
        while not self._over.is_set():
            self._news.wait()
            self._news.clear()
            self.tried()
            self._over.wait(REST_SECONDS)
        self.tried()

    def tried(self) -> int:
        """As `sweep`, but that whatever prevents it is only said."""
        try:
            count = self.sweep()
        except (RedisError, DBAPIError) as error:
            self._owes = True  # what was taken from the database may not have arrived
            if not self._is_away:
                log.warning("tasks cannot be dispatched now: %s", error)
            self._is_away = True
        except Exception:
            log.exception("tasks cannot be dispatched now")
        else:
            self._is_away = False
            return count
        return 0

    def sweep(self) -> int:
        """Dispatch what nobody has; now and then, what is missing. How many those were."""
        lost = 0
        if self._is_round():
            self._owes = True
            lost = self._recover()
            self._owes = lost > 0  # there may be more, dispatched just now
        found = tickets.take_first(self._engine)
        self._dispatch(found)
        return lost + len(found)

    def _is_round(self) -> bool:
        if self._wire.has_forgotten():
            self._alert_until = time.monotonic() + ALERT_SECONDS
        is_alert = self._owes or time.monotonic() < self._alert_until
        return self._wire.opens_round(ROUND_SECONDS) or is_alert

    def _recover(self) -> int:
        """Dispatch again what is pending and not on the wire; how many those were.

        It is looked for twice, since a job that was just popped is not claimed yet. Should one be dispatched
        twice nevertheless, it is done once: its row is claimed once.
        """
        suspects = self._missing()
        if not suspects:
            return 0
        self._over.wait(DOUBT_SECONDS)
        still = frozenset(self._missing())
        lost = [ticket for ticket in suspects if ticket in still]
        for ticket in lost:
            self._wire.put(ticket)
        if lost:
            log.warning("%d tasks were missing in Redis, and are there again", len(lost))
        return len(lost)

    def _missing(self) -> list[Ticket]:
        waiting = self._wire.waiting()  # before the rows: what is put there meanwhile is not missing
        pages = tickets.dispatched(self._engine, now_us() - SETTLED_US)
        return [ticket for page in pages for ticket in page if ticket.job_id not in waiting]

    def _dispatch(self, found: Sequence[Ticket]) -> None:
        late = [ticket for ticket in found if ticket.run_at_us < now_us() - WAITED_US]
        for ticket in reversed(late):
            self._wire.put(ticket, at_front=True)
        for ticket in found:
            if ticket not in late:
                self._wire.put(ticket)
            if ticket.attempts:
                self._wire.forget(ticket.last_job_id)
