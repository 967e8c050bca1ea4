"""What is on Redis: three queues, and a job of RQ for each attempt at a task, which names the task."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from redis import Redis
from rq import Queue
from rq.defaults import RQ_KEY_PREFIX
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from rookery.base.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rookery.mechanisms.tasks.rq.tickets import Ticket

LANES = ("rookery-high", "rookery-normal", "rookery-low")
"""The queues, the most urgent first: priorities 0 to 3, 4 to 6, 7 to 9."""

RESULT_SECONDS = 600
FAILURE_SECONDS = 86_400
DROPPED_SECONDS = 60
"""So long RQ shows a job that was done, that failed for good, that there was nothing to do for."""

NO_TIMEOUT = -1
"""For RQ: it is the task's own timeout that ends it."""

CONNECT_SECONDS = 2.0
ROUND_KEY, MARK_KEY = f"{RQ_KEY_PREFIX}:rookery:round", f"{RQ_KEY_PREFIX}:rookery:mark"


class NotOurWorker(Unavailable):
    """These jobs are for workers of Rookery: start `rookery worker`."""


class TaskJob(Job):
    """A job that only names a task. Whoever writes to Redis gets no function called, and no address."""

    @property
    def task_id(self) -> str:
        """The task that it is an attempt at."""
        return task_of(str(self.id))

    @property
    def success_callback(self) -> None:
        """None, whatever Redis says."""

    @property
    def failure_callback(self) -> None:
        """None, whatever Redis says."""

    @property
    def stopped_callback(self) -> None:
        """None, whatever Redis says."""

    def send_webhooks(self, *_args: Any, **_options: Any) -> None:
        """None are sent, whatever Redis says."""

    def perform(self) -> NoReturn:
        """It is done from its row."""
        raise NotOurWorker


def attempt(task_id: str) -> NoReturn:  # noqa: ARG001  what a dashboard shows of a job
    """The function that jobs name, for workers that are not ours."""
    raise NotOurWorker


def task_of(job_id: str) -> str:
    """The task that a job is for."""
    return job_id.rpartition("-")[0]


def connect(url: str) -> Redis:
    """A client; nothing is sent yet."""
    return Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS)


def lane_of(priority: int) -> str:
    """The queue for a priority."""
    return LANES[0 if priority <= 3 else 1 if priority <= 6 else 2]


class Wire:
    """Puts jobs on Redis, and looks which are there. Everything raises RedisError when it is away."""

    def __init__(self, connection: Redis) -> None:
        self._redis = connection
        self._queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer, job_class=TaskJob)
            for name in LANES
        }

    def put(self, ticket: Ticket, *, at_front: bool = False) -> None:
        """Have the task's next attempt in its queue, exactly once."""
        queue = self._queues[lane_of(ticket.priority)]
        try:
            queue.enqueue(
                f"{attempt.__module__}.{attempt.__name__}",
                ticket.id,
                job_id=ticket.job_id,
                unique=True,
                at_front=at_front,
                description=f"{ticket.type} {ticket.id}",
                job_timeout=NO_TIMEOUT,
                result_ttl=RESULT_SECONDS,
                failure_ttl=FAILURE_SECONDS,
            )
        except DuplicateJobError:
            self.put_back(ticket.job_id, queue, at_front=at_front)

    def put_back(self, job_id: str, queue: Queue, *, at_front: bool) -> None:
        """Have a job that is known already in its queue, exactly once."""
        with self._redis.pipeline() as pipeline:
            pipeline.persist(Job.key_for(job_id))
            pipeline.lrem(queue.key, 0, job_id)
            queue.push_job_id(job_id, pipeline=pipeline, at_front=at_front)
            pipeline.execute()

    def forget(self, job_id: str) -> None:
        """Remove what RQ knows of an attempt whose worker could not tell how it ended."""
        try:
            job = TaskJob.fetch(job_id, connection=self._redis, serializer=JSONSerializer)
        except NoSuchJobError:
            return
        with suppress(ValueError):  # RQ has forgotten part of it already; its maintenance forgets the rest
            job.delete(remove_from_queue=False)

    def waiting(self) -> frozenset[str]:
        """The ids of all jobs that are in a queue."""
        return frozenset(_ids(self._queues.values()))

    def opens_round(self, seconds: int) -> bool:
        """Whether nobody has in the last `seconds`."""
        return bool(self._redis.set(ROUND_KEY, "1", nx=True, ex=seconds))

    def has_forgotten(self) -> bool:
        """Whether it has lost everything since this was last asked, or never had anything."""
        return bool(self._redis.set(MARK_KEY, "1", nx=True))

    def ping(self) -> None:
        """See whether it answers."""
        self._redis.ping()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _ids(queues: Iterable[Queue]) -> Iterable[str]:
    for queue in queues:
        yield from queue.get_job_ids()
