"""What a run has brought to light: findings nobody had seen before, and those that had been fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from rookery.domains.findings.models import Finding, FindingEvent
from rookery.domains.findings.rules import Severity, State
from rookery.mechanisms.dual import dual_read

LISTED = 20
"""Findings that are named, the worst first; the others are counted."""


class Appeared(NamedTuple):
    """So many of each severity, and the worst of them; `upto_us` is when the last one came to light."""

    reopened: bool
    counts: dict[str, int]
    worst: tuple[dict[str, str], ...]
    upto_us: int


@dual_read
def appeared(session: Session, /, project_id: str, run_id: str, after_us: int) -> list[Appeared]:
    """What came to light in a run of a project after that moment: the new, then the reopened, if any."""
    was_fixed = and_(FindingEvent.kind == "state", FindingEvent.from_state == State.FIXED)
    wanted = (
        select(FindingEvent.at_us, FindingEvent.kind, Finding)
        .join(Finding, Finding.id == FindingEvent.finding_id)
        .where(Finding.project_id == project_id)  # which has an index; runs have none
        .where(FindingEvent.run_id == run_id, FindingEvent.at_us > after_us)
        .where(or_(FindingEvent.kind == "found", was_fixed))
        .order_by(Finding.severity.desc(), Finding.id)
    )
    rows = session.execute(wanted).all()
    parts = [[row for row in rows if (row.kind != "found") is reopened] for reopened in (False, True)]
    return [_appeared(part, reopened=reopened) for reopened, part in enumerate(parts) if part]


def _appeared(rows: Sequence[Any], *, reopened: int) -> Appeared:
    counts = Counter(Severity(row.Finding.severity).word for row in rows)
    worst = tuple(_named(row.Finding) for row in rows[:LISTED])
    return Appeared(bool(reopened), dict(counts), worst, max(row.at_us for row in rows))


def _named(row: Finding) -> dict[str, str]:
    severity = Severity(row.severity).word
    return {"id": row.id, "severity": severity, "name": row.name, "target": row.target}
