"""What scans leave to workers. An attempt goes on with the run that an earlier one of its task has begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from rookery.base.config import Config
from rookery.base.errors import TemporaryError
from rookery.domains.scans import store
from rookery.domains.scans.endpoints import host_of
from rookery.domains.scans.errors import CannotResume, ProjectNotFound, RunIsAlive, ScanFailed
from rookery.domains.scans.folders import LONGEST_ID, RunFolder
from rookery.domains.scans.models import Run
from rookery.domains.scans.plan import EMBEDDED, ResumePlan, ScanPlan, ScanResult
from rookery.domains.scans.service.checking import CHECK, checks_alone, devices_of, submit_check
from rookery.domains.scans.service.queueing import RESUME, RUN, result_of
from rookery.domains.scans.service.retesting import retest
from rookery.domains.scans.service.runs import bury_the_dead
from rookery.domains.scans.service.sightings import Imported, import_findings
from rookery.domains.scans.service.submitting import go_on, run_plan
from rookery.domains.scans.stored import is_stored
from rookery.domains.scans.tools import ScanRunner
from rookery.mechanisms.hooks import Hooks, Item, Progress, hooks_from
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import RetryPolicy

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rookery.mechanisms.artifacts import ArtifactFolder
    from rookery.mechanisms.tasks.context import TaskContext
    from rookery.mechanisms.tasks.looking import TaskInfo

LONGEST_SCAN = 86_400.0
"""Seconds; one that takes longer is ended, and goes on at the next attempt."""

TOLD = 20
"""Reasons and errors that a task's result holds; its run holds all."""

RETRY = RetryPolicy(temporary=3, other=0, first_delay=10.0, longest_delay=600.0)
"""What is wrong with a plan is wrong at every attempt; what ended a tool may be over by then."""


class RunStillAlive(TemporaryError):
    """The process of an earlier attempt still ends the run: try again in a moment."""


class FindingsFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of findings to be imported, where the worker can read it."""

    path: Path
    format: str | None = None
    project_id: str = "default"


class Retest(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings to check again, and with what."""

    filter: str
    templates: tuple[Path, ...] = ()
    include_tags: tuple[str, ...] = ()
    engine: str = EMBEDDED


def run_scan(rook: Rook, context: TaskContext, plan: ScanPlan) -> ScanResult:
    """Run a plan to its end."""
    if (run := store.run_of_task(rook, context.task_id)) is not None:
        return _gone_on(rook, context, run, plan)
    plan = replace(plan, run_id=plan.run_id or context.task_id)
    return _ended(*run_plan(rook, plan, _telling(context), context))


def check(rook: Rook, context: TaskContext, plan: ScanPlan) -> dict[str, int]:
    """Submit a scan for each device whose configuration is meant."""
    targets = devices_of(rook, checks_alone(plan))
    for number, target in enumerate(targets):
        context.report(number, len(targets), target)
        submit_check(rook, plan, target, context.task_id)
    return {"submitted": len(targets)}


def resume_scan(rook: Rook, context: TaskContext, wanted: ResumePlan) -> ScanResult:
    """Run what a run has left undone."""
    run = store.get_run(rook, wanted.run_id)
    if run.task_id == context.task_id:
        return _gone_on(rook, context, run)
    if run.status == "running":
        raise RunIsAlive(f"{run.id}: {RunIsAlive.__doc__}")
    return _ended(*go_on(rook, run, _telling(context), context))


def import_file(rook: Rook, context: TaskContext, wanted: FindingsFile) -> Imported:
    """Import a file; what another attempt has stored of it is not stored again."""
    bury_the_dead(rook)
    return import_findings(
        rook,
        wanted.path,
        format_=wanted.format,
        project_id=wanted.project_id,
        hooks=_telling(context),
    )


def retest_findings(rook: Rook, context: TaskContext, wanted: Retest) -> dict[str, Any]:
    """Check findings again; the progress is that of the run under way."""
    done = retest(
        rook,
        wanted.filter,
        templates=wanted.templates,
        include_tags=wanted.include_tags,
        engine=wanted.engine,
        hooks=_telling(context),
    )
    return msgspec.structs.asdict(done) | {"runs": [run.run_id for run in done.runs]}


def _gone_on(rook: Rook, context: TaskContext, run: Run, plan: ScanPlan | None = None) -> ScanResult:
    """Whatever the row says: this task's lease says that nobody else is at work on its run."""
    bury_the_dead(rook)
    if run.status == "completed":  # the worker died before it could say so
        return _told(result_of(rook, run))
    try:
        return _ended(*go_on(rook, run, _telling(context), context))
    except RunIsAlive as error:
        raise RunStillAlive(f"{run.id}: {RunStillAlive.__doc__}") from error
    except CannotResume:
        if plan is None:
            raise
        anew = replace(plan, run_id=_another_id(plan.run_id or context.task_id, context.attempt))
        return _ended(*run_plan(rook, anew, _telling(context), context))


def _another_id(run_id: str, attempt: int) -> str:
    suffix = f".{attempt}"
    return run_id[: LONGEST_ID - len(suffix)] + suffix


def _ended(result: ScanResult, runner: ScanRunner) -> ScanResult:
    """The result; what ended its tool is raised, for it says whether another attempt may help."""
    if runner.failure is not None:
        raise runner.failure
    return _told(result)


def _told(result: ScanResult) -> ScanResult:
    """The result as its task holds it. Raises ScanFailed when it was no success."""
    if not result.success:
        raise ScanFailed(f"{result.error} What it did: rookery runs show {result.run_id}")
    skipped = dict(list(result.skipped.items())[:TOLD])
    return replace(result, skipped=skipped, errors=result.errors[:TOLD])


def _telling(context: TaskContext) -> Hooks:
    """Hooks that make the progress of a run that of its task."""

    def tell(runner: ScanRunner, item: Item) -> None:
        if isinstance(item, Progress) and context.reason is None:
            found = f"{runner.severities.total()} findings"
            said = found if item.total else f"{item.detail}, {found}"
            context.report(item.done, item.total, said)

    return hooks_from({"on_item": tell})


def _per_host(session: Session, config: Config, wanted: ScanPlan | ResumePlan) -> Mapping[str, int]:
    endpoints = wanted.endpoints or _of_project(session, wanted)
    hosts = {host_of(endpoint) for endpoint in endpoints} - {""}
    stored = {endpoint for endpoint in endpoints if is_stored(endpoint)}
    limits = {f"scan:{host}": config.queue.scans_per_target for host in sorted(hosts)}
    return limits | {f"scan:{endpoint}": 1 for endpoint in sorted(stored)}


def _of_project(session: Session, wanted: ScanPlan | ResumePlan) -> Sequence[str]:
    """What it would scan now; a project that is not there is for the attempt to refuse."""
    if isinstance(wanted, ResumePlan):
        return ()
    try:
        return [each.address for each in store.endpoints(session, wanted.project_id)]
    except ProjectNotFound:
        return ()


def _files(data_dir: Path, task: TaskInfo) -> ArtifactFolder:
    """Those of the run."""
    done = task.result or {}
    return RunFolder(data_dir, done.get("run_id") or task.payload.get("run_id") or task.id).files


def _per_file(_session: Session, _config: Config, wanted: FindingsFile) -> Mapping[str, int]:
    return {f"import:{wanted.path}": 1}


TASKS = (
    TaskType(
        name=RUN,
        function=run_scan,
        payload=ScanPlan,
        runs="loop",
        retry=RETRY,
        timeout=LONGEST_SCAN,
        limits=_per_host,
        files=_files,
        summary="Runs a scan plan.",
    ),
    TaskType(
        name=CHECK,
        function=check,
        payload=ScanPlan,
        retry=RETRY,
        timeout=LONGEST_SCAN,
        summary="Has stored configurations checked, each by a task of its own.",
    ),
    TaskType(
        name=RESUME,
        function=resume_scan,
        payload=ResumePlan,
        runs="loop",
        retry=RETRY,
        timeout=LONGEST_SCAN,
        limits=_per_host,
        files=_files,
        summary="Does what is left of a run that was broken off.",
    ),
    TaskType(
        name="findings.import",
        function=import_file,
        payload=FindingsFile,
        runs="loop",
        retry=RETRY,
        limits=_per_file,
        summary="Imports what another tool found from a file.",
    ),
    TaskType(
        name="findings.retest",
        function=retest_findings,
        payload=Retest,
        runs="loop",
        retry=RETRY,
        timeout=LONGEST_SCAN,
        summary="Checks findings again that a filter chooses.",
    ),
)
