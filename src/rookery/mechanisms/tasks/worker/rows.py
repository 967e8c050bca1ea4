"""What is written to the row of a task that runs, and read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.mechanisms.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from rookery.mechanisms.tasks.context import Progress
    from rookery.mechanisms.tasks.worker.job import Job

_PROGRESS = """
    UPDATE task SET done = :done, total = :total, message = :message
    WHERE id = :id AND worker_id = :worker AND attempts = :attempt AND status = 'running'"""
_CANCELLED = "SELECT id FROM task WHERE worker_id = :worker AND status = 'running' AND cancel_us IS NOT NULL"


def write_progress(connection: Connection, worker: str, news: Sequence[tuple[Job, Progress]]) -> None:
    """How far each is, by its worker."""
    if news:
        values = [
            {"id": job.task.id, "worker": worker, "attempt": job.task.attempt} | progress._asdict()
            for job, progress in news
        ]
        sql.run(connection, _PROGRESS, values)


def cancelled_of(connection: Connection, worker: str) -> Sequence[str]:
    """What this worker does, and somebody has cancelled."""
    return sql.run(connection, _CANCELLED, {"worker": worker}).scalars().all()
