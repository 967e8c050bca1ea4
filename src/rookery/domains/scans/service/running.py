"""The life of one run: it is stored that it begins, how far it is, and how it ended, whatever ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from rookery.base.config import Findings as Policy
from rookery.domains.findings import store as findings
from rookery.domains.findings.events import FindingsSettled
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.rules import Severity
from rookery.domains.scans import store
from rookery.domains.scans.coverage import Coverage
from rookery.domains.scans.events import ScanFinished, ScanResumed, ScanStarted
from rookery.domains.scans.folders import RunFolder
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.domains.scans.service.announcing import announce
from rookery.domains.scans.service.noting import note_down
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.errors import LeaseLost

if TYPE_CHECKING:
    from rookery.domains.scans.models import Run
    from rookery.domains.scans.tools import ScanRunner
    from rookery.mechanisms.tasks.context import TaskContext

STORED_EVERY = 2.0
"""Seconds between two moments at which coverage is stored: what a kill -9 makes to be run again."""

RECORDING = f"{RecordFindings.__module__}.{RecordFindings.__qualname__}"

log = logging.getLogger(__name__)


class Prepared(NamedTuple):
    """A run that could begin: what is asked for, the runner that does it, its folder, the tool's version.

    `task` has it done, if one has.
    """

    plan: ScanPlan
    runner: ScanRunner
    folder: RunFolder
    version: str
    task: TaskContext | None = None

    @property
    def task_id(self) -> str | None:
        """Which task that is."""
        return None if self.task is None else self.task.task_id

    @property
    def is_ours(self) -> bool:
        """Whether no other worker has taken the run over: what becomes of it then is not for us to say."""
        return self.task is None or not isinstance(self.task.reason, LeaseLost)


@contextmanager
def begun(rook: Rook, job: Prepared) -> Iterator[None]:
    """Store that a run begins, and hold the lock that says that it lives. Raises RunExists, RunIsAlive."""
    plan, runner = job.plan, job.runner
    with rook.reading() as session:
        store.refuse_existing(session, plan.run_id)
    with closing(rook.offload(job.folder.hold)):
        runner.coverage = Coverage(runner.template_ids)
        with rook.transaction() as session:
            run = store.begin_run(
                session,
                plan,
                actor=rook.actor,
                engine_version=job.version,
                template_ids=runner.template_ids,
                template_count=runner.template_count,
                skipped=runner.skipped,
                task_id=job.task_id,
            )
            rook.emit(ScanStarted(plan.run_id, plan.endpoints, runner.template_count))
        note_down(rook, job.folder, run, f"{runner.template_count} templates, {len(plan.endpoints)} targets")
        yield


@contextmanager
def resumed(rook: Rook, job: Prepared, pairs_left: int) -> Iterator[None]:
    """Store that a run goes on, and hold its lock again. Raises RunIsAlive."""
    with closing(rook.offload(job.folder.hold)):
        with rook.transaction() as session:
            run = store.resume_run(session, job.plan.run_id, task_id=job.task_id)
            rook.emit(ScanResumed(run.id, pairs_left))
        note_down(rook, job.folder, run, f"goes on: {pairs_left} checks are left")
        yield


def carried_out(rook: Rook, job: Prepared, *, before: Mapping[str, int] | None = None) -> ScanResult:
    """Run it to its end, and store how it ended; `before` are the figures of what a resumed run did first."""
    try:
        rook.wait_for(_supervised, job.runner, rook.engine)
    except (KeyboardInterrupt, asyncio.CancelledError):
        job.runner.is_broken_off = True
        raise
    finally:
        result = _end(rook, job, before) if job.is_ours else _result(job)
    return result


async def _supervised(runner: ScanRunner, engine: Engine) -> None:
    """Run it, and store meanwhile what it has covered."""
    over = asyncio.Event()
    storing = asyncio.create_task(_storing(runner, engine, over))
    try:
        await runner.arun()
    finally:
        over.set()
        await asyncio.wait([storing])


async def _storing(runner: ScanRunner, engine: Engine, over: asyncio.Event) -> None:
    while not over.is_set():
        try:
            await asyncio.wait_for(over.wait(), STORED_EVERY)
        except TimeoutError:
            await asyncio.to_thread(_store, runner, engine)


def _store(runner: ScanRunner, engine: Engine) -> None:
    if runner.coverage is None:
        return
    changed = runner.coverage.changed()
    try:
        with Session(engine) as session, session.begin():
            store.put_coverage(session, runner.run_id, changed)
    except Exception as error:  # noqa: BLE001 -- the run goes on; its end stores it, or says why it cannot
        runner.coverage.put_back(changed)
        log.warning("what run %s has covered could not be stored yet: %s", runner.run_id, error)


def _end(rook: Rook, job: Prepared, before: Mapping[str, int] | None) -> ScanResult:
    runner, result, status = job.runner, _result(job), _status(job.runner)
    policy = rook.current_config().findings
    with rook.transaction() as session:
        if before is not None:
            result = _added(result, before, _seen(session, runner.run_id))
        if runner.coverage is not None:
            store.put_coverage(session, runner.run_id, runner.coverage.changed())
        run = store.end_run(
            session,
            runner.run_id,
            status=status,
            counts=_counts(result),
            errors=runner.errors,
            trouble=result.error,
        )
        run.template_count = run.template_count or result.template_count  # some tools say it at their end
        if _is_stored(runner):
            _settle(rook, session, run, runner.coverage, policy)
        announce(rook, session, run, sighted=runner.sighted if before is None else None)
        rook.emit(ScanFinished(runner.run_id, status, result.finding_count, error_count=result.error_count))
    note_down(rook, job.folder, run, f"{result.finding_count} findings")
    return result


def _settle(rook: Rook, session: Session, run: Run, coverage: Coverage | None, policy: Policy) -> None:
    """What the run covered and did not see any more is fixed; what that changed is announced."""
    settled = findings.settle(
        session,
        run_id=run.id,
        project_id=run.project_id,
        started_us=run.started_us,
        covered=coverage.covered() if coverage else (),
        policy=policy,
    )
    if settled != findings.Settled():
        rook.emit(FindingsSettled(run.id, settled.fixed, settled.missed, settled.expired))


def _is_stored(runner: ScanRunner) -> bool:
    """Whether all that was seen is in the database: else what is still on its way would be taken for gone."""
    stats = runner.summary.hooks.get(RECORDING) if runner.summary else None
    return stats is not None and not (stats.queued or stats.inflight or stats.dead)


def _seen(session: Session, run_id: str) -> dict[str, int]:
    """How many findings a run has seen, by severity: those of a check that was run again count once."""
    counts = {each.word: findings.count(session, severities=(each,), run_id=run_id) for each in Severity}
    return {word: count for word, count in counts.items() if count}


def _added(result: ScanResult, before: Mapping[str, int], seen: dict[str, int]) -> ScanResult:
    """The result of the whole run: this part of it, and what it did before it was broken off."""
    return replace(
        result,
        request_count=result.request_count + before.get("requests", 0),
        duration_ms=result.duration_ms + before.get("duration_ms", 0),
        finding_count=sum(seen.values()),
        severities=seen,
    )


def _counts(result: ScanResult) -> dict[str, int]:
    """The figures of a run, as its row keeps them."""
    return {
        "requests": result.request_count,
        "findings": result.finding_count,
        "errors": result.error_count,
        "unreached": result.unreached_count,
        "duration_ms": result.duration_ms,
        **result.severities,
    }


def _status(runner: ScanRunner) -> str:
    if runner.is_broken_off or (runner.summary is not None and runner.summary.status == "interrupted"):
        return "interrupted"
    if runner.partial:
        return "partial"
    return "failed" if runner.summary is None or runner.failure is not None else "completed"


def _trouble(runner: ScanRunner) -> str:
    """Why the scan as a whole did not succeed; nothing when it did."""
    if said := str(runner.failure or "") or runner.partial:
        return said
    if (status := _status(runner)) != "completed":
        return f"The run was {status}." if status == "interrupted" else "The run failed."
    return "No target gave an answer." if runner.unreached_count == len(runner.targets) else ""


def _result(job: Prepared) -> ScanResult:
    plan, runner, trouble = job.plan, job.runner, _trouble(job.runner)
    summary = runner.summary
    return ScanResult(
        run_id=plan.run_id,
        project_id=plan.project_id,
        engine=plan.engine,
        engine_version=job.version,
        success=not trouble,
        endpoint_count=len(plan.endpoints),
        unreached_count=runner.unreached_count,
        template_count=runner.template_count,
        request_count=runner.request_count,
        finding_count=runner.severities.total(),
        severities=dict(runner.severities),
        skipped=dict(runner.skipped),
        coverage=runner.coverage.counts() if runner.coverage else {},
        errors=summary.messages if summary else (),
        error_count=summary.errors if summary else 0,
        duration_ms=round(summary.duration * 1000) if summary else 0,
        error=trouble,
    )
