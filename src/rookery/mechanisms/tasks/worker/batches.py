"""How many short tasks share a commit: so many as together take no longer than a person would notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rookery.mechanisms.tasks.worker.job import Batch

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.registry import TaskType
    from rookery.mechanisms.tasks.worker.job import Job

BATCH_SECONDS = 0.05
MOST_AT_ONCE = 200
WEIGHT = 0.2


class Pace:
    """How long the tasks of each type take, on average, the last ones above all."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def ran(self, type_: str, seconds: float) -> None:
        """One more has taken so long."""
        before = self._seconds.get(type_, seconds)
        self._seconds[type_] = before + WEIGHT * (seconds - before)

    def more(self, claimed: Sequence[TaskType], hands: int) -> int:
        """How many more of these types to take, for so many hands: none, unless all may share a commit."""
        if len(claimed) < hands or not all(map(may_share, claimed)):
            return 0
        slowest = max(self._seconds.get(kind.name, BATCH_SECONDS) for kind in claimed)
        each = min(int(BATCH_SECONDS / max(slowest, 1e-6)), MOST_AT_ONCE)
        return max(each - 1, 0) * hands


def may_share(kind: TaskType) -> bool:
    """Whether tasks of a type may share a commit: they may be run again, and start within this process."""
    return kind.is_idempotent and kind.runs != "process"


def batches(jobs: Sequence[Job], hands: int) -> Iterator[Batch]:
    """Jobs for each hand, of which only those share one that may share a commit; what a worker has died under
    is alone, lest its neighbours pass for what it died of."""
    alone = [job for job in jobs if job.task.is_suspect or not may_share(job.kind)]
    yield from (Batch([job]) for job in alone)
    each = max(-(-(len(jobs) - len(alone)) // max(hands - len(alone), 1)), 1)
    for runs in ("thread", "loop"):
        shared = [job for job in jobs if job not in alone and job.kind.runs == runs]
        yield from (Batch(shared[at : at + each]) for at in range(0, len(shared), each))
