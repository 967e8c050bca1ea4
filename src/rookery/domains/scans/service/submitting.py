"""Running a plan to its end, here and now, and going on with a run that was broken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from rookery.base.ids import new_id
from rookery.domains.scans import store
from rookery.domains.scans.coverage import Coverage
from rookery.domains.scans.errors import CannotResume, NothingToResume, NothingToScan, RunIsAlive
from rookery.domains.scans.models import Run
from rookery.domains.scans.plan import ScanPlan, ScanResult, decode_plan
from rookery.domains.scans.service.preparing import canonical, prepared
from rookery.domains.scans.service.running import Prepared, begun, carried_out, resumed
from rookery.domains.scans.service.runs import bury_the_dead, prune_expired
from rookery.domains.scans.tools import ScanRunner
from rookery.mechanisms.dual import dual
from rookery.mechanisms.hooks import Hooks
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.context import TaskContext


@dual
def submit_scan(rook: Rook, /, plan: ScanPlan, *, hooks: Hooks | None = None) -> ScanResult:
    """Run a plan to its end; findings and the run are stored when it returns.

    The configured hooks hear everything first, and may change or drop it; then it is queued for storage;
    then `hooks` hear it. Before anything is sent, raises BadPlan, BadTarget, TargetOutOfScope, NothingToScan
    or TemplatesNotFound; ProjectNotFound; RunExists and BadRunId for its `run_id`; UnknownTool and
    ToolUnusable for its `engine`, unless another can do the same: then that one does, and the run says so.
    What goes wrong at a target is in the result. When interrupted or cancelled, what was found and covered
    until then is stored, and the interruption goes on.
    """
    plan = canonical(rook, plan)
    return run_plan(rook, replace(plan, run_id=plan.run_id or new_id()), hooks or Hooks())[0]


@dual
def resume_scan(rook: Rook, /, run_id: str, *, hooks: Hooks | None = None) -> ScanResult:
    """Run what a run that was broken off has left undone, as the same run; the result is that of the whole.

    Raises RunNotFound, RunIsAlive, NothingToResume, CannotResume, and what `submit_scan` raises.
    """
    bury_the_dead(rook)
    run = store.get_run(rook, run_id)
    if run.status == "running":
        raise RunIsAlive(f"{run.id}: {RunIsAlive.__doc__}")
    return go_on(rook, run, hooks or Hooks())[0]


def run_plan(
    rook: Rook, plan: ScanPlan, hooks: Hooks, task: TaskContext | None = None
) -> tuple[ScanResult, ScanRunner]:
    """Run a canonical plan, which has the id of its run."""
    job = prepared(rook, plan, hooks, task)
    if not rook.offload(lambda: job.runner.template_count) and job.runner.skipped:
        raise NothingToScan(_why_nothing(job.runner))
    prune_expired(rook)
    with begun(rook, job):
        return carried_out(rook, job), job.runner


def go_on(
    rook: Rook, run: Run, hooks: Hooks, task: TaskContext | None = None
) -> tuple[ScanResult, ScanRunner]:
    """Run what a run has left undone, whatever its row says of it; another process must not hold it."""
    with rook.reading() as session:
        coverage = Coverage(store.template_ids(session, run.id), store.coverage(session, run.id))
    job = prepared(rook, decode_plan(run.plan), hooks, task)
    job.runner.coverage = coverage
    left = _left(rook, run, job)
    with resumed(rook, job, left):
        before = msgspec.json.decode(run.counts, type=dict[str, int])
        return carried_out(rook, job, before=before), job.runner


def _left(rook: Rook, run: Run, job: Prepared) -> int:
    """How many pairs are left to do; raises when nobody can tell, or when there are none.

    A task may have done all, and its worker have died before it could say so: that run is still to be ended.
    """
    coverage = job.runner.coverage
    if not job.runner.can_resume or coverage is None or not coverage.template_ids:
        raise CannotResume(
            f"Run {run.id} cannot go on where it ended: its engine, {run.engine}, must begin anew."
        )
    left = rook.offload(lambda: job.runner.pairs_left)
    if not left and (job.task is None or run.task_id != job.task.task_id):
        raise NothingToResume(f"Run {run.id} has nothing left to do: it is {run.status}.")
    return left


def _why_nothing(runner: ScanRunner) -> str:
    listed = "; ".join(f"{count} × {reason}" for reason, count in list(runner.skipped.items())[:3])
    return f"No template is left to run{f': {listed}' if listed else ''}."
