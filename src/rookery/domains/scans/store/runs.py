"""The runs, as they are stored, and what they covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.domains.scans.coverage import Packed, pack_ids, unpack_ids
from rookery.domains.scans.errors import RunExists, RunNotFound
from rookery.domains.scans.models import Run, RunCoverage
from rookery.domains.scans.plan import ScanPlan, encode_plan
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.store.names import Called, by_id

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
ABANDONED = "The run was abandoned: its process died."
CALLED = Called("run", "rookery runs list", RunNotFound)


@dual_read
def refuse_existing(session: Session, /, run_id: str) -> None:
    """Raise RunExists when there is a run of this id."""
    if session.get(Run, run_id):
        raise RunExists(f"{run_id}: {RunExists.__doc__}")


@dual
def begin_run(
    session: Session,
    /,
    plan: ScanPlan,
    *,
    actor: str,
    engine_version: str,
    template_ids: Sequence[str],
    template_count: int | None = None,
    skipped: Mapping[str, int],
    task_id: str | None = None,
) -> Run:
    """Store that the run of a plan begins now, which a task may have done. Raises RunExists.

    `template_count` is for tools that run other templates than their coverage counts.
    """
    refuse_existing(session, plan.run_id)
    run = Run(
        id=plan.run_id,
        project_id=plan.project_id,
        actor=actor,
        engine=plan.engine,
        engine_version=engine_version,
        status="running",
        plan=encode_plan(plan),
        targets=_json(plan.endpoints),
        template_count=len(template_ids) if template_count is None else template_count,
        template_ids=pack_ids(template_ids),
        started_us=now_us(),
        finished_us=None,
        counts="{}",
        skipped=_json(skipped),
        errors="[]",
        task_id=task_id,
        trouble="",
    )
    session.add(run)
    session.flush()
    return run


@dual
def resume_run(session: Session, /, run_id: str, *, task_id: str | None = None) -> Run:
    """Store that a run goes on; as the work of this task, or, without one, still as that of its own."""
    run = session.get_one(Run, run_id)
    run.status, run.finished_us, run.trouble = "running", None, ""
    run.task_id = task_id or run.task_id
    session.flush()
    return run


@dual
def end_run(
    session: Session,
    /,
    run_id: str,
    *,
    status: str,
    counts: Mapping[str, int],
    errors: Sequence[object],
    trouble: str = "",
) -> Run:
    """Store how a run ended, with what went wrong in it; `trouble` is why it was no success."""
    run = session.get_one(Run, run_id)
    run.status, run.finished_us, run.trouble = status, now_us(), trouble
    run.counts, run.errors = _json(counts), _json(errors)
    session.flush()
    return run


@dual
def abandon_run(session: Session, /, run_id: str) -> Run | None:
    """Store that the process of a run has died; None when it has ended by now."""
    ended = update(Run).where(Run.id == run_id, Run.status == "running")
    changed = session.scalars(ended.values(status="abandoned", trouble=ABANDONED).returning(Run.id)).first()
    return None if changed is None else session.get_one(Run, run_id, populate_existing=True)


@dual_read
def runs(
    session: Session,
    /,
    *,
    project_id: str | None = None,
    status: str | None = None,
    limit: int | None = 20,
    before: tuple[int, str] | None = None,
) -> list[Run]:
    """The latest runs, the newest first; `limit` None: all; `before` a run's `started_us` and id."""
    query = select(Run).order_by(Run.started_us.desc(), Run.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(Run.started_us, Run.id) < before)
    if project_id is not None:
        query = query.where(Run.project_id == project_id)
    if status is not None:
        query = query.where(Run.status == status)
    return list(session.scalars(query))


@dual_read
def get_run(session: Session, /, run_id: str) -> Run:
    """The run with this id, or whose id alone begins with it. Raises RunNotFound."""
    return by_id(session, Run, run_id, CALLED)


@dual_read
def run_of_task(session: Session, /, task_id: str) -> Run | None:
    """The latest run that a task has had done."""
    query = select(Run).where(Run.task_id == task_id).order_by(Run.started_us.desc(), Run.id.desc())
    return session.scalars(query.limit(1)).first()


@dual
def delete_runs(session: Session, /, *, before_us: int) -> list[str]:
    """Forget the runs that began before that moment and are over, and what they covered; their ids."""
    is_old = (Run.started_us < before_us) & (Run.status != "running")
    return list(session.scalars(delete(Run).where(is_old).returning(Run.id)))


@dual_read
def run_ids(session: Session, /) -> list[str]:
    """The id of every run."""
    return list(session.scalars(select(Run.id)))


@dual_read
def template_ids(session: Session, /, run_id: str) -> tuple[str, ...]:
    """The ids of the templates of a run, in the order its coverage counts along."""
    return unpack_ids(session.scalar(select(Run.template_ids).where(Run.id == run_id)) or b"")


@dual_read
def coverage(session: Session, /, run_id: str, *, target: str | None = None) -> dict[str, Packed]:
    """What a run did, by target; `target` selects one."""
    columns = [getattr(RunCoverage, name) for name in Packed._fields]
    query = select(RunCoverage.target, *columns).where(RunCoverage.run_id == run_id)
    if target is not None:
        query = query.where(RunCoverage.target == target)
    rows = session.execute(query.order_by(RunCoverage.target))
    return {row[0]: Packed._make(row[1:]) for row in rows}


@dual_read
def coverage_counts(session: Session, /, run_id: str) -> dict[str, tuple[int, int, int]]:
    """How many templates ended ok, in error, and skipped, by target."""
    counts = (RunCoverage.ok_count, RunCoverage.error_count, RunCoverage.skipped_count)
    rows = session.execute(
        select(RunCoverage.target, *counts).where(RunCoverage.run_id == run_id).order_by(RunCoverage.target)
    )
    return {target: (ok, error, skipped) for target, ok, error, skipped in rows}


@dual
def put_coverage(session: Session, /, run_id: str, changed: Mapping[str, Packed]) -> None:
    """Store what has become of these targets, whatever was stored of them before."""
    rows = [{"run_id": run_id, "target": target, **packed._asdict()} for target, packed in changed.items()]
    if rows:
        insert = INSERT[session.get_bind().dialect.name](RunCoverage)
        replaced = {name: insert.excluded[name] for name in Packed._fields}
        key = [RunCoverage.run_id, RunCoverage.target]
        session.execute(insert.on_conflict_do_update(index_elements=key, set_=replaced), rows)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
