"""Every query of scans: the scope and the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.domains.scans.errors import AlreadyInScope, NotInScope, RunExists
from rookery.domains.scans.models import Run, ScopeEntry
from rookery.mechanisms.dual import dual, dual_read


@dual_read
def scope_entries(session: Session, /) -> list[ScopeEntry]:
    """Everything that was added to the scope, in the order of the entries."""
    return list(session.scalars(select(ScopeEntry).order_by(ScopeEntry.entry)))


@dual
def add_scope_entry(session: Session, /, entry: str, *, added_by: str) -> ScopeEntry:
    """Add a canonical entry. Raises AlreadyInScope."""
    if session.get(ScopeEntry, entry):
        raise AlreadyInScope(f"{entry} is in the scope already.")
    added = ScopeEntry(entry=entry, added_us=now_us(), added_by=added_by)
    session.add(added)
    session.flush()
    return added


@dual
def remove_scope_entry(session: Session, /, entry: str) -> None:
    """Remove a canonical entry. Raises NotInScope."""
    removed = session.scalar(delete(ScopeEntry).where(ScopeEntry.entry == entry).returning(ScopeEntry.entry))
    if removed is None:
        raise NotInScope(f"{entry} is not in the scope. `rookery scope list` shows what is.")


@dual
def begin_run(
    session: Session, /, run_id: str, *, actor: str, targets: Sequence[str], template_count: int
) -> Run:
    """Store a run that begins now. Raises RunExists."""
    if session.get(Run, run_id):
        raise RunExists(f"{run_id}: {RunExists.__doc__}")
    run = Run(
        id=run_id,
        actor=actor,
        status="running",
        targets=_json(targets),
        template_count=template_count,
        started_us=now_us(),
        finished_us=None,
        counts="{}",
        errors="[]",
    )
    session.add(run)
    session.flush()
    return run


@dual
def end_run(
    session: Session, /, run_id: str, *, status: str, counts: Mapping[str, int], errors: Sequence[object]
) -> Run:
    """Store how a run ended, with what went wrong in it."""
    run = session.get_one(Run, run_id)
    run.status, run.finished_us = status, now_us()
    run.counts, run.errors = _json(counts), _json(errors)
    session.flush()
    return run


@dual_read
def runs(session: Session, /, *, limit: int = 20) -> list[Run]:
    """The latest runs, the newest first."""
    return list(session.scalars(select(Run).order_by(Run.started_us.desc(), Run.id.desc()).limit(limit)))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
