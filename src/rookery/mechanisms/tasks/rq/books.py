"""What RQ is told of a job: that it runs, was done, has failed, or is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rq.job import JobStatus
from rq.utils import now
from rq.worker import WorkerStatus

from rookery.mechanisms.tasks.rq.wire import DROPPED_SECONDS, RESULT_SECONDS

if TYPE_CHECKING:
    from redis.client import Pipeline
    from rq import Queue, SimpleWorker
    from rq.executions import Execution

    from rookery.mechanisms.tasks.rq.wire import TaskJob


class Popped(NamedTuple):
    """A job, and the queue that it came from."""

    job: TaskJob
    queue: Queue


@dataclass(slots=True, eq=False)
class Line:
    """A job whose task was claimed; `execution` is RQ's, once it is seen to run."""

    popped: Popped
    since: datetime
    seen_at: float
    execution: Execution | None = None


class Books:
    """Of one worker. Everything raises RedisError when Redis is away."""

    def __init__(self, worker: SimpleWorker) -> None:
        self._worker = worker
        # RQ pops from a single queue by way of another list, from which a job is to be removed.
        self._is_on_one_queue = len(worker.queues) == 1

    def begin(self, line: Line) -> None:
        """Show it as running."""
        line.execution = self._worker.prepare_execution(line.popped.job)
        self._worker.prepare_job_execution(line.popped.job, self._is_on_one_queue)

    def keep(self, line: Line) -> None:
        """It runs still."""
        if line.execution is not None:
            self._worker.maintain_heartbeats(line.popped.job, line.execution)

    def finish(self, line: Line) -> None:
        """Its task is completed. What that gave is in the row."""
        job = line.popped.job
        with self._closing(line) as pipeline:
            self._worker.increment_successful_job_count(pipeline)
            self._worker.increment_total_working_time(now() - line.since, pipeline)
            job.set_status(JobStatus.FINISHED, pipeline=pipeline)
            job.save(pipeline=pipeline, include_meta=False, include_result=False)
            line.popped.queue.finished_job_registry.add(job, RESULT_SECONDS, pipeline)
            job.cleanup(RESULT_SECONDS, pipeline=pipeline, remove_from_queue=False)

    def fail(self, line: Line, said: str) -> None:
        """Its task has failed for good."""
        with self._closing(line):
            self._worker.handle_job_failure(*line.popped, exc_string=said, execution=line.execution)

    def forget(self, line: Line) -> None:
        """Its task goes on elsewhere, or not at all."""
        with self._closing(line) as pipeline:
            line.popped.job.delete(pipeline=pipeline, remove_from_queue=False)

    def drop(self, popped: Popped) -> None:
        """There was nothing to do for it."""
        with self._worker.connection.pipeline() as pipeline:
            pipeline.expire(popped.job.key, DROPPED_SECONDS)
            self._take_out(popped, pipeline)
            pipeline.execute()

    @contextmanager
    def _closing(self, line: Line) -> Iterator[Pipeline]:
        job = line.popped.job
        job.worker_name, job.started_at, job.ended_at = self._worker.name, line.since, now()
        with self._worker.connection.pipeline() as pipeline:
            yield pipeline
            self._worker.cleanup_execution(job, pipeline, line.execution)
            self._take_out(line.popped, pipeline)
            pipeline.execute()
        self._worker.set_state(WorkerStatus.IDLE)

    def _take_out(self, popped: Popped, pipeline: Pipeline) -> None:
        if self._is_on_one_queue:
            pipeline.lrem(popped.queue.intermediate_queue_key, 1, popped.job.id)
