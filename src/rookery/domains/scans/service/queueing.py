"""Leaving a scan to a worker, and asking what came of it."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from rookery.domains.scans import store
from rookery.domains.scans.document import duration_ms
from rookery.domains.scans.errors import RunIsAlive, RunNotFound, ScanFailed
from rookery.domains.scans.models import Run
from rookery.domains.scans.plan import ResumePlan, ScanPlan, ScanResult, decode_plan, generate_task_key
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.service.preparing import canonical, refuse_strangers
from rookery.domains.scans.service.runs import bury_the_dead
from rookery.domains.scans.service.submitting import resume_scan, submit_scan
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.errors import TaskNotFound
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.rules import ENDED
from rookery.mechanisms.tasks.service import get_task, submit_task
from rookery.mechanisms.tasks.submitting import known

RUN, RESUME = "scans.run", "scans.resume"
FIGURES = ("requests", "findings", "errors", "unreached", "duration_ms")


@dual
def submit_scan_async(rook: Rook, /, plan: ScanPlan) -> str:
    """Leave a plan to a worker; the id of the task that runs it, durable when this returns.

    While a task for the same plan has not ended, it is that one's id. The run has the id of the task unless
    the plan gives it another; `get_scan_result` takes either. With `queue.enabled` off the plan runs here and
    now, and its run's id is returned. What is wrong with the plan is raised at once, as by `submit_scan`;
    scope and tool are looked at again when it runs.
    """
    if not rook.config.queue.enabled:
        return submit_scan(rook, plan).run_id
    plan = canonical(rook, plan)
    _refuse_strangers(rook, plan)
    with rook.transaction() as session:
        task_id = submit_task(
            rook,
            RUN,
            plan,
            priority=plan.priority,
            idempotency_key=generate_task_key(plan),
            session=session,
        )
        if task_id.is_new and plan.run_id:
            store.refuse_existing(session, plan.run_id)
    return task_id


@dual
def resume_scan_async(rook: Rook, /, run_id: str, *, priority: int = 5) -> str:
    """Leave to a worker what a run has left undone; the id of the task. Raises RunNotFound, RunIsAlive.

    While the task that has the run done has not ended, it is that one's id: it goes on by itself.
    """
    if not rook.config.queue.enabled:
        return resume_scan(rook, run_id).run_id
    bury_the_dead(rook)
    run = store.get_run(rook, run_id)
    if (task := _task_of(rook, run)) is not None and task.status not in ENDED:
        return known(task.id)
    if run.status == "running":
        raise RunIsAlive(f"{run.id}: {RunIsAlive.__doc__}")
    plan = decode_plan(run.plan)
    _refuse_strangers(rook, plan)
    payload = ResumePlan(run_id=run.id, endpoints=plan.endpoints)
    return submit_task(rook, RESUME, payload, priority=priority, idempotency_key=f"{RESUME}:{run.id}")


@dual
def get_scan_result(rook: Rook, /, run_id: str) -> ScanResult | None:
    """What came of a scan, by the id of its run or of its task; None while it has not ended.

    Raises RunNotFound, and ScanFailed for a task that ended without a run.
    """
    bury_the_dead(rook)
    run, task = _found(rook, run_id)
    if (task is not None and task.status not in ENDED) or (run is not None and run.status == "running"):
        return None
    if run is not None:
        return result_of(rook, run)
    assert task is not None  # noqa: S101
    reason = task.failure.message if task.failure else f"It was {task.status}."
    raise ScanFailed(f"Task {task.id} ended before its scan had begun: {reason}")


def _found(rook: Rook, id_: str) -> tuple[Run | None, TaskInfo | None]:
    """The run of this id, or of the task of this id; and the task that has it done."""
    run = store.run_of_task(rook, id_)
    try:
        run = run or store.get_run(rook, id_)
    except RunNotFound:
        with suppress(TaskNotFound):
            return None, get_task(rook, id_)
        raise
    return run, _task_of(rook, run)


def _task_of(rook: Rook, run: Run) -> TaskInfo | None:
    with suppress(TaskNotFound):
        return get_task(rook, run.task_id) if run.task_id else None
    return None


def result_of(rook: Rook, run: Run) -> ScanResult:
    """What came of a run that has ended, from what is stored of it."""
    counts = msgspec.json.decode(run.counts, type=dict[str, int])
    messages = msgspec.json.decode(run.errors, type=list[dict[str, object]])
    return ScanResult(
        run_id=run.id,
        project_id=run.project_id,
        engine=run.engine,
        engine_version=run.engine_version,
        success=not run.trouble,
        endpoint_count=len(msgspec.json.decode(run.targets)),
        unreached_count=counts.get("unreached", 0),
        template_count=run.template_count,
        request_count=counts.get("requests", 0),
        finding_count=counts.get("findings", 0),
        severities={word: count for word, count in counts.items() if word not in FIGURES},
        skipped=msgspec.json.decode(run.skipped),
        coverage=_covered(rook, run.id),
        errors=tuple(str(each["message"]) for each in messages),
        error_count=counts.get("errors", 0),
        duration_ms=duration_ms(run, counts),
        error=run.trouble,
    )


def _covered(rook: Rook, run_id: str) -> dict[str, int]:
    rows = store.coverage_counts(rook, run_id).values()
    sums = [sum(column) for column in zip(*rows, strict=True)] or [0, 0, 0]
    return dict(zip(("ok", "error", "skipped"), sums, strict=True))


def _refuse_strangers(rook: Rook, plan: ScanPlan) -> None:
    refuse_strangers(rook, plan.endpoints, Scope(row.entry for row in store.scope_entries(rook)))
