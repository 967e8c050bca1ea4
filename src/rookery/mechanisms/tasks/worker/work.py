"""What the hands of a worker are doing: begun, watched, ended. Knows no database."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.base.clock import now_us
from rookery.mechanisms.tasks.context import Progress
from rookery.mechanisms.tasks.errors import TaskTimedOut, WorkerStops
from rookery.mechanisms.tasks.measuring import Measures
from rookery.mechanisms.tasks.outcomes import Outcome, given_back
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.worker.batches import Pace, batches
from rookery.mechanisms.tasks.worker.job import Batch, Hands, Job, context_of

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.claiming import Claimed
    from rookery.mechanisms.tasks.registry import Runs, TaskTypes

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""So long has a task that was told to stop, before it is killed or left alone."""

LONGEST_QUEUE = 1.0
"""Seconds that a task waits behind others of its batch, before it is given back for another hand."""


class Work:
    """All of it: `jobs` by task, and the `outcomes` of those that have ended, until they are recorded."""

    def __init__(
        self, hands: Mapping[Runs, Hands], types: TaskTypes, data_dir: Path, nudge: Callable[[], None]
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.outcomes: list[Outcome] = []
        self.pace, self.measures = Pace(), Measures()
        self._hands, self._types, self._data_dir, self._nudge = hands, types, str(data_dir), nudge
        self._batches: set[Batch] = set()
        self._over: deque[Batch] = deque()
        self._ended: list[Job] = []

    @property
    def busy(self) -> int:
        """How many hands have something to do."""
        return len(self._batches)

    @property
    def is_idle(self) -> bool:
        """Nothing is done, and all that was is recorded."""
        return not (self.jobs or self._over or self.outcomes)

    @property
    def has_ended(self) -> bool:
        """There is something to collect."""
        return bool(self._over)

    # --- from the beginning to the end

    def start(self, claimed: Sequence[Claimed], free: int) -> None:
        """Have these done, by so many hands."""
        now = now_us()
        for task in claimed:
            self.measures.began(task.type, (now - task.run_at_us) / 1e6)
        jobs = [Job(task, self._types[task.type], context_of(task, self._data_dir)) for task in claimed]
        for batch in batches(jobs, free):
            self.jobs.update({job.task.id: job for job in batch.jobs})
            self._batches.add(batch)
            self._begin(batch)

    def _begin(self, batch: Batch) -> None:
        try:
            self._hands[batch.runs].start(batch, self._when_over)
        except Exception as error:  # noqa: BLE001  no more processes, no database for the loop: it may pass
            for job in batch.jobs:
                job.outcome = job.raised(error)
            self._over.append(batch)

    def _when_over(self, batch: Batch) -> None:
        """Called by the hands, in their threads."""
        self._over.append(batch)
        self._nudge()

    def collect(self) -> None:
        """Take in what the hands are done with."""
        while self._over:
            batch = self._over.popleft()
            if batch in self._batches:  # it was not given up
                self._settle(batch)

    def _settle(self, batch: Batch) -> None:
        self._batches.remove(batch)
        for job in batch.jobs:
            if self.jobs.get(job.task.id) is job and job.outcome is not None:
                del self.jobs[job.task.id]
                self._ended.append(job)
                self.outcomes.append(job.outcome)
                self.pace.ran(job.kind.name, job.seconds)
                self.measures.ended(job.kind.name, job.outcome.word, job.seconds)
                _tell(job, job.outcome)

    def recorded(self) -> list[Outcome]:
        """The outcomes are recorded, and nothing more of them is to be."""
        recorded, self.outcomes = self.outcomes, []
        self._ended.clear()
        return recorded

    # --- what has to end

    def alarms(self) -> Iterator[float]:
        """The next moments at which `enforce` has something to do, by the monotonic clock."""
        for job in self.jobs.values():
            if job.give_up_at is not None:
                yield job.give_up_at
            elif job.deadline is not None:
                yield job.deadline
        for batch in self._batches:
            if batch.is_waiting:
                yield batch.began + LONGEST_QUEUE

    def enforce(self) -> None:
        """End what has run for too long; relieve who has too much to do."""
        now = time.monotonic()
        for batch in self._batches:
            if batch.is_waiting and batch.began + LONGEST_QUEUE <= now:
                self._take_back(batch)
        for job in list(self.jobs.values()):
            if job.give_up_at is not None and job.give_up_at <= now:
                self._give_up(job)
            elif job.deadline is not None and job.deadline <= now:
                said = f"It ran for longer than {job.task.timeout:g} s, and was ended."
                self.interrupt(job, TaskTimedOut(said))

    def interrupt(self, job: Job, reason: BaseException) -> None:
        """Tell it to end, once, for this reason."""
        if job.context.reason is None:
            job.context.stop(reason)
            job.give_up_at = time.monotonic() + GRACE_SECONDS
            self._hands[job.kind.runs].interrupt(job)

    def interrupt_all(self) -> None:
        """The worker ends: so does what it does."""
        for batch in self._batches:
            self._take_back(batch)
        for job in self.jobs.values():
            self.interrupt(job, WorkerStops())

    def _take_back(self, batch: Batch) -> None:
        for job in batch.take_back():
            del self.jobs[job.task.id]
            self.outcomes.append(given_back(job.task))

    def _give_up(self, job: Job) -> None:
        """It does not listen: its attempt counts as ended, and what it still does is nobody's."""
        job.context.kill()
        self._hands[job.kind.runs].abandon(job)
        job.outcome = job.raised(job.context.reason or WorkerStops())
        batch = next(each for each in self._batches if job in each.jobs)
        self._take_back(batch)
        self._settle(batch)
        log.warning("task %s does not end; it is left alone", job.task.id, extra=_facts(job))

    def close(self) -> None:
        """No hand starts anything any more."""
        for hands in self._hands.values():
            hands.close()

    # --- progress

    def news(self, *, of_all: bool) -> list[tuple[Job, Progress]]:
        """The progress that is not written yet, of those that have ended or `of_all`."""
        jobs = (*self._ended, *self.jobs.values()) if of_all else self._ended
        found = ((job, job.context.progress) for job in jobs)
        return [(job, progress) for job, progress in found if progress != job.written]

    def written(self, news: Sequence[tuple[Job, Progress]]) -> None:
        """That is written now."""
        for job, progress in news:
            job.written = progress


def _tell(job: Job, outcome: Outcome) -> None:
    failure = outcome.failure
    level = logging.WARNING if failure and outcome.status is not TaskStatus.CANCELLED else logging.INFO
    if log.isEnabledFor(level):
        said = f": {failure.error}: {failure.message}" if failure else ""
        text = "task %s, %s: %s after %.2f s%s"
        values = (job.task.id, job.kind.name, outcome.status, job.seconds, said)
        log.log(level, text, *values, extra=_facts(job) | {"status": outcome.status.value})


def _facts(job: Job) -> dict[str, object]:
    return {"task_id": job.task.id, "task_type": job.kind.name, "attempt": job.task.attempt}
