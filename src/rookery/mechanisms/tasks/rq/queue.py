"""The backend: what is submitted goes onto the wire after its commit, or later, when Redis is away."""

from __future__ import annotations

import logging
import time
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rookery.base.errors import ConfigError, RookeryError
from rookery.mechanisms.tasks import presence
from rookery.mechanisms.tasks.events import TaskSubmitted
from rookery.mechanisms.tasks.queue import Announced, TaskQueue
from rookery.mechanisms.tasks.rq import tickets
from rookery.mechanisms.tasks.rules import TaskStatus

if TYPE_CHECKING:
    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.events import TaskCancelled
    from rookery.mechanisms.tasks.registry import TaskTypes
    from rookery.mechanisms.tasks.rq.wire import Wire
    from rookery.mechanisms.tasks.rq.worker import RqWorker

log = logging.getLogger(__name__)

WORKER_SECONDS = 60
"""So long RQ lists a worker that gives no sign of life."""

AWAY_SECONDS = 5.0
"""So long it is not tried again whether Redis is back: the workers' sweepers look for that."""


def rq_worker(redis_url: str) -> RqWorker:
    """A worker on this Redis, which is to be told whom it `serve`s."""
    from rookery.mechanisms.tasks.rq.wire import connect
    from rookery.mechanisms.tasks.rq.worker import RqWorker

    return RqWorker(connection=connect(redis_url), worker_ttl=WORKER_SECONDS)


class RqQueue(TaskQueue):
    """Workers of RQ are told by Redis what is pending. Loads RQ when there is something to tell."""

    name = "rq"

    def __init__(self, types: TaskTypes, redis_url: str) -> None:
        """Raises ConfigError when RQ is not installed."""
        if not (find_spec("redis") and find_spec("rq")):
            raise ConfigError("queue.backend = 'rq' needs RQ: pip install 'rookery[redis]'")
        super().__init__(types)
        self._url = redis_url
        self._away_until = 0.0

    @cached_property
    def wire(self) -> Wire:
        """The connection to Redis."""
        from rookery.mechanisms.tasks.rq.wire import Wire, connect

        return Wire(connect(self._url))

    @property
    def hands_over(self) -> bool:
        """Unless Redis was away a moment ago."""
        return time.monotonic() >= self._away_until

    def dispatch(self, rook: Rook, event: Announced) -> None:
        """Put it on the wire. What cannot be now, is by the sweeper of a worker, as soon as it can."""
        try:
            ticket = self._ticket(rook, event)
            if ticket is not None and not rook.offload(self._put, ticket):
                self._undo(rook, ticket)
        except RookeryError as error:
            log.warning("task %s waits for a worker to find it: %s", event.task_id, error)

    def interrupt(self, rook: Rook, event: TaskCancelled) -> None:  # noqa: ARG002  it is in the row
        rook.offload(presence.wake_all, rook.data_dir)

    def problems(self) -> tuple[str, ...]:
        from redis.exceptions import RedisError

        try:
            self.wire.ping()
        except RedisError as error:
            return (f"Redis does not answer ({type(error).__name__}): tasks stay pending until it does.",)
        return ()

    def close(self) -> None:
        if "wire" in vars(self):
            self.wire.close()

    def _ticket(self, rook: Rook, event: Announced) -> tickets.Ticket | None:
        if isinstance(event, TaskSubmitted):
            is_due = event.status == TaskStatus.PENDING
            return tickets.Ticket(event.task_id, event.type, event.priority) if is_due else None
        with rook.transaction() as session:
            return tickets.take(session.connection(), event.task_id)

    def _undo(self, rook: Rook, ticket: tickets.Ticket) -> None:
        with rook.transaction() as session:
            tickets.undo(session.connection(), ticket)

    def _put(self, ticket: tickets.Ticket) -> bool:
        """Whether Redis has it."""
        from redis.exceptions import RedisError

        if not self.hands_over:
            return False
        try:
            self.wire.put(ticket)
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("Redis does not answer, task %s is dispatched later: %s", ticket.id, error)
            return False
        return True
