"""Tasks and their queue as programs see them: the command line's --json and, in time, the API.

Times are RFC 3339 and UTC. A traceback is there for whoever asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery.base.clock import from_us

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.looking import Attempt, QueueHealth, TaskInfo, WorkerInfo
    from rookery.mechanisms.tasks.outcomes import TaskFailure


def task_document(task: TaskInfo, *, has_traceback: bool = False) -> dict[str, Any]:
    """One task."""
    return {
        "id": task.id,
        "type": task.type,
        "status": task.status,
        "is_cancelling": task.is_cancelling,
        "actor": task.actor,
        "priority": task.priority,
        "parent_id": task.parent_id,
        "idempotency_key": task.idempotency_key,
        "timeout": task.timeout,
        "created": from_us(task.created_us).isoformat(),
        "run_at": from_us(task.run_at_us).isoformat(),
        "started": _moment(task.started_us),
        "finished": _moment(task.finished_us),
        "worker_id": task.worker_id,
        "waits_for": task.waits_for,
        "attempts": task.attempts,
        "progress": {"done": task.done, "total": task.total, "message": task.message},
        "payload": task.payload,
        "result": task.result,
        "failure": _failure(task.failure, has_traceback=has_traceback),
        "failed_attempts": [_attempt(each, has_traceback=has_traceback) for each in task.failed_attempts],
    }


def health_document(health: QueueHealth) -> dict[str, Any]:
    """How the queue is; `ok` when there are no problems."""
    return {
        "ok": not health.problems,
        "backend": health.backend,
        "tasks": health.counts,
        "types": health.types,
        "oldest_seconds": health.oldest_s,
        "workers": [_worker(each) for each in health.workers],
        "problems": health.problems,
    }


def _attempt(attempt: Attempt, *, has_traceback: bool) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "worker_id": attempt.worker_id,
        "started": _moment(attempt.started_us),
        "ended": _moment(attempt.ended_us),
        "outcome": attempt.outcome,
        "failure": _failure(attempt.failure, has_traceback=has_traceback),
    }


def _failure(failure: TaskFailure | None, *, has_traceback: bool) -> dict[str, str] | None:
    if failure is None:
        return None
    traceback = {"traceback": failure.traceback} if has_traceback else {}
    return {"error": failure.error, "code": failure.code, "message": failure.message, **traceback}


def _worker(worker: WorkerInfo) -> dict[str, Any]:
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "concurrency": worker.concurrency,
        "types": worker.types,
        "started": _moment(worker.started_us),
        "seen": _moment(worker.seen_us),
    }


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else from_us(microseconds).isoformat()
