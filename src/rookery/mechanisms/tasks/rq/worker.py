"""RQ's worker: pops jobs, and hands their tasks to an engine that claims and does several at a time."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, worker_registration
from rq.command import parse_payload
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from rookery.mechanisms.tasks import service
from rookery.mechanisms.tasks.rq.books import Popped
from rookery.mechanisms.tasks.rq.clock import Clock
from rookery.mechanisms.tasks.rq.crew import Crew
from rookery.mechanisms.tasks.rq.load import Load
from rookery.mechanisms.tasks.rq.wire import LANES, TaskJob, task_of

if TYPE_CHECKING:
    from redis.client import Pipeline
    from rq.job import Job

    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.measuring import Measures
    from rookery.mechanisms.tasks.presence import Presence
    from rookery.mechanisms.tasks.registry import Runs
    from rookery.mechanisms.tasks.worker.job import Hands

log = logging.getLogger(__name__)

WAIT_SECONDS = 1
"""So long it waits for a job, or for Redis, before it looks whether it should stop."""

FIRST = (0, 0, 0, 1, 0, 0, 0, 2)
"""Which queue is looked into first, in turn: the most urgent, but none has to wait for ever."""


class RqWorker(SimpleWorker):
    """Does real jobs of RQ: `serve` says for whom, `run` does them until `stop`.

    It pops only what it has a free hand for. Redis may go away and come back: what runs goes on.
    """

    def __init__(self, queues: Any = LANES, name: str | None = None, **options: Any) -> None:
        """As RQ's, but that it reads only JSON and only TaskJobs, whatever it is told."""
        names = [queue.name if isinstance(queue, Queue) else str(queue) for queue in queues]
        options |= {"serializer": JSONSerializer, "job_class": TaskJob, "prepare_for_work": False}
        super().__init__(names, name, **options)
        self._is_named = name is not None
        self.load = Load()
        self._turn = 0
        self._is_forgotten = False
        self._beats, self._looks = Clock(), Clock()

    def serve(
        self,
        rook: Rook,
        hands: Mapping[Runs, Hands],
        *,
        concurrency: int | None,
        grace: float,
        drains: bool = False,
    ) -> None:
        """Do the tasks of this Rook, so many at a time (None: as many as is set, also when that changes);
        running ones have `grace` seconds when it stops. With `drains`, `run` ends by itself when nothing is
        left that could run now.
        """
        self._rook, self._drains = rook, drains
        self._crew = Crew(self, rook, hands, concurrency=concurrency, grace=grace)
        if not self._is_named:
            self.name = f"rookery-{self.presence.id}"

    @property
    def concurrency(self) -> int:
        """So many tasks it does at a time."""
        return self._crew.engine.concurrency

    @property
    def presence(self) -> Presence:
        """What the database knows it by."""
        return self._crew.engine.presence

    @property
    def measures(self) -> Measures:
        """What it has counted of its tasks."""
        return self._crew.engine.measures

    def run(self) -> None:
        """Work until `stop()` has been called and all is recorded."""
        logging.getLogger("rq").addHandler(logging.NullHandler())  # else RQ writes to standard output
        self.work(burst=self._drains, logging_level="WARNING")

    def stop(self) -> None:
        """Take no more tasks; from any thread or signal handler. At the second call, give back what runs."""
        self._crew.engine.stop()
        self._leave()

    def _leave(self) -> None:
        self._stop_requested = True
        self.load.wake()  # it may wait for a free hand

    # --- what RQ calls

    def bootstrap(self, *args: Any, **options: Any) -> None:
        """Start; when Redis is away, wait for it."""
        self._crew.start(when_over=self._leave)
        while not self._stop_requested:
            try:
                self._introduce()
                super().bootstrap(*args, **options)
            except RedisError as error:
                self._wait_for_redis(error)
            else:
                return

    def _introduce(self) -> None:
        self.hostname, self.pid = socket.gethostname(), os.getpid()
        self._set_ip_address(self.connection)

    def _start_scheduler(self, *_args: Any, **_options: Any) -> None:
        """Nothing is scheduled by RQ."""

    def _install_signal_handlers(self) -> None:
        """Whoever runs it calls `stop`."""

    def request_stop(self, signum: Any, frame: Any) -> None:  # noqa: ARG002
        """Called by RQ's signal handler."""
        self.stop()

    @property
    def dequeue_timeout(self) -> int:
        return WAIT_SECONDS

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job, once there is a hand for it; None when it should stop, or was idle for so long."""
        self.set_state(WorkerStatus.IDLE)
        idle_until = None if max_idle_time is None else time.monotonic() + max_idle_time
        while self._has_hand():
            if (popped := self._popped(timeout)) is not None:
                return popped
            if timeout is None and self._is_drained():
                return None
            if idle_until is not None and time.monotonic() >= idle_until:
                return None
        return None

    def _is_drained(self) -> bool:
        """Whether nothing came up while what runs was waited for."""
        self._wait_for_hands()
        return self._crew.sweep() == 0

    def _wait_for_hands(self) -> None:
        while self.load.under_way and not self._stop_requested:
            self.load.wait()

    def _has_hand(self) -> bool:
        while self.load.under_way >= self.concurrency and not self._stop_requested:
            self.load.wait()
        return not self._stop_requested

    def _popped(self, timeout: int | None) -> tuple[Job, Queue] | None:
        try:
            return self._dequeue(timeout)
        except DequeueTimeout:
            return None
        except RedisError as error:
            self._wait_for_redis(error)
        except Exception:  # nobody can read that job; a task that it was for is dispatched again
            log.exception("a job of RQ is not readable")
        return None

    def _dequeue(self, timeout: int | None) -> tuple[Job, Queue] | None:
        if self._is_forgotten:
            self.show()
        self.heartbeat()
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()
        popped = self.queue_class.dequeue_any(
            self._ordered_queues,
            timeout,
            connection=self.connection,
            job_class=self.job_class,
            serializer=self.serializer,
            death_penalty_class=self.death_penalty_class,
        )
        self.reorder_queues(self.queues[0])
        return popped

    def _wait_for_redis(self, error: RedisError) -> None:
        log.warning("Redis cannot be used now, trying again: %s", error)
        self._is_forgotten = True
        time.sleep(WAIT_SECONDS)

    def reorder_queues(self, reference_queue: Queue) -> None:  # noqa: ARG002  RQ's own
        """High before normal before low; but each comes first now and then."""
        self._turn += 1
        first = FIRST[self._turn % len(FIRST)] % len(self.queues)
        self._ordered_queues = [*self.queues[first:], *self.queues[:first]]

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Have its task claimed and done; the next job may be popped meanwhile."""
        assert isinstance(job, TaskJob)  # noqa: S101
        self.load.begin()
        self._crew.engine.take(Popped(job, queue))

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002  beats come often
        return int(self.job_monitoring_interval) + 60

    def teardown(self) -> None:
        """End; when nobody has said so, after all that runs."""
        if not self._stop_requested:
            self._wait_for_hands()
            self.stop()
        try:
            self._crew.end()
        finally:
            for farewell in (self.register_death, self.unsubscribe):
                with suppress(RedisError):
                    farewell()

    def unsubscribe(self) -> None:
        """As RQ's in the other order: so the thread hears of it, and ends at once."""
        if self.pubsub is not None and self.pubsub_thread is not None:
            self.pubsub_thread.stop()
            self.pubsub.unsubscribe()
            self.pubsub_thread.join(timeout=1)

    # --- Redis may be away

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Once a second, however short the jobs are."""
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
        elif self._beats.is_due():
            with suppress(RedisError), self.connection.pipeline() as own:
                super().heartbeat(timeout, own)
                own.execute()

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Busy as long as anything is seen to run, also while it waits for more."""
        state = WorkerStatus.BUSY if self.executions and state == WorkerStatus.IDLE else state
        if state != self.get_state():
            with suppress(RedisError):
                super().set_state(state, pipeline)

    def check_for_suspension(self, burst: bool) -> None:
        """Once a second, too."""
        if self._looks.is_due():
            with suppress(RedisError):
                super().check_for_suspension(burst)

    def run_maintenance_tasks(self) -> None:
        with suppress(RedisError):
            super().run_maintenance_tasks()

    # --- called by its crew

    def show(self) -> None:
        """Be listed by RQ, though Redis may have forgotten it."""
        if self.birth_date is None:
            return
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self.get_state()})
            worker_registration.register(self, pipeline)
            self.heartbeat(pipeline=pipeline)
            pipeline.execute()
        self._is_forgotten = False

    # --- commands

    def handle_payload(self, message: Any) -> None:
        """What `rq` or a dashboard wants of it: to stop a job is to cancel its task."""
        payload = parse_payload(message)
        if payload.get("command") not in {"stop-job", "stop-execution"}:
            super().handle_payload(message)
            return
        try:
            service.cancel_task(self._rook.acting_as("rq"), task_of(str(payload.get("job_id"))))
        except Exception as error:  # noqa: BLE001  RQ's thread for commands must not end by it
            log.warning("the task of job %s is not cancelled: %s", payload.get("job_id"), error)
