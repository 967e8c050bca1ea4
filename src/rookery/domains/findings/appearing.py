"""What a run has brought to light: findings nobody had seen before, and those that had been fixed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
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


IS_NEW = FindingEvent.kind == "found"
WAS_FIXED = and_(FindingEvent.kind == "state", FindingEvent.from_state == State.FIXED)


@dual_read
def appeared(
    session: Session, /, run_id: str, after_us: int, *, sighted: Collection[str] | None = None
) -> list[Appeared]:
    """What came to light in a run after that moment: the new, then the reopened, if any.

    The database counts, and names the worst: an import may bring a hundred thousand. `sighted` are the ids of
    the findings that the run has seen. Where nobody knows them, all histories are looked through: runs have
    no index there, for each entry would pay for it, and few ask.
    """
    came = [FindingEvent.run_id == run_id, FindingEvent.at_us > after_us]
    if sighted is not None:
        came.append(FindingEvent.finding_id.in_(sighted))
    columns = (IS_NEW.label("is_new"), Finding.severity, func.count(), func.max(FindingEvent.at_us))
    counted = _joined(*columns).where(*came, or_(IS_NEW, WAS_FIXED)).group_by("is_new", Finding.severity)
    found: Sequence[Any] = session.execute(counted).all()
    rows = sorted((not is_new, -severity, *told) for is_new, severity, *told in found)
    parts = groupby(rows, key=itemgetter(0))
    return [_appeared(session, came, reopened, list(part)) for reopened, part in parts]


def _appeared(
    session: Session, came: Sequence[ColumnElement[bool]], reopened: bool, rows: Sequence[Any]
) -> Appeared:
    counts = {Severity(-severity).word: count for _, severity, count, _ in rows}
    worst = _worst(session, (*came, WAS_FIXED if reopened else IS_NEW))
    return Appeared(reopened, counts, worst, max(at_us for *_, at_us in rows))


def _worst(session: Session, where: Sequence[ColumnElement[bool]]) -> tuple[dict[str, str], ...]:
    columns = (Finding.id, Finding.severity, Finding.name, Finding.target)
    first = _joined(*columns).where(*where).order_by(Finding.severity.desc(), Finding.id).limit(LISTED)
    rows: Sequence[Any] = session.execute(first).all()
    return tuple(
        {"id": id_, "severity": Severity(severity).word, "name": name, "target": target}
        for id_, severity, name, target in rows
    )


def _joined(*columns: Any) -> Any:
    return select(*columns).join_from(FindingEvent, Finding, Finding.id == FindingEvent.finding_id)
