"""The queries of findings that read.

Sightings are written in `sightings`, by the hook's sink alone; what people decide in `deciding`; what follows
from a run that is over in `settling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import case, distinct, func, or_, select, tuple_
from sqlalchemy.orm import Session

from rookery.domains.findings.conditions import conditions
from rookery.domains.findings.errors import FindingNotFound
from rookery.domains.findings.models import Finding, FindingEvent, FindingEvidence
from rookery.domains.findings.places import canonical_target
from rookery.domains.findings.rules import ACTIVE, Severity
from rookery.domains.findings.settling import Settled, settle
from rookery.mechanisms.dual import dual_read
from rookery.mechanisms.filters.meaning import Condition
from rookery.mechanisms.store.names import Called, by_id

__all__ = ["Group", "Place", "Settled", "count", "evidence", "get", "groups", "history", "list_", "settle"]

FIRST_THINGS_FIRST = (Finding.priority.desc(), Finding.last_seen_us.desc(), Finding.id.desc())
CALLED = Called("finding", "rookery findings list", FindingNotFound)


class Place(NamedTuple):
    """A finding's place in the list of all."""

    priority: int
    last_seen_us: int
    id: str


class Group(NamedTuple):
    """One weakness on all its targets: how many findings, how many of them to be dealt with."""

    id: str
    severity: str
    name: str
    template_id: str
    findings: int
    active: int
    targets: int


@dual_read
def list_(
    session: Session,
    /,
    filter_: str = "",
    *,
    severities: Sequence[Severity] = (),
    target: str | None = None,
    run_id: str | None = None,
    limit: int = 100,
    after: Place | None = None,
) -> list[Finding]:
    """Findings, the most urgent first, then the latest seen; `after` is where the page before ended.

    `filter_` is the filter language of docs/reference/filters.md; `target` selects those of one
    scheme://host:port, or path, and below it; `run_id` those that a run saw and no later run has seen again.
    Raises FilterNotValid.
    """
    chosen = _chosen(filter_, severities, target, run_id)
    if after is not None:
        chosen.append(tuple_(Finding.priority, Finding.last_seen_us, Finding.id) < after)
    query = select(Finding).where(*chosen).order_by(*FIRST_THINGS_FIRST).limit(limit)
    return list(session.scalars(query))


@dual_read
def count(
    session: Session,
    /,
    filter_: str = "",
    *,
    severities: Sequence[Severity] = (),
    target: str | None = None,
    run_id: str | None = None,
) -> int:
    """How many findings `list_` would return without its limit."""
    chosen = _chosen(filter_, severities, target, run_id)
    return session.scalar(select(func.count()).select_from(Finding).where(*chosen)) or 0


@dual_read
def groups(session: Session, /, filter_: str = "", *, limit: int = 100) -> list[Group]:
    """The groups of the findings that a filter chooses, the most urgent first. Raises FilterNotValid."""
    is_active = Finding.state.in_(sorted(ACTIVE))
    columns = (
        Finding.group_id,
        func.max(Finding.severity),
        func.max(Finding.name),
        func.max(Finding.template_id),
        func.count(),
        func.count(case((is_active, 1))),
        func.count(distinct(Finding.target)),
    )
    query = select(*columns).where(*conditions(filter_)).group_by(Finding.group_id)
    rows = session.execute(query.order_by(func.max(Finding.priority).desc(), Finding.group_id).limit(limit))
    return [Group(row[0], Severity(row[1]).word, *row[2:]) for row in rows]


@dual_read
def history(session: Session, /, id_: str) -> list[FindingEvent]:
    """What happened to a finding, the oldest first."""
    query = select(FindingEvent).where(FindingEvent.finding_id == id_)
    return list(session.scalars(query.order_by(FindingEvent.at_us, FindingEvent.id)))


@dual_read
def evidence(session: Session, /, id_: str) -> FindingEvidence | None:
    """What was sent and came back when a finding was seen last, if that is kept."""
    return session.get(FindingEvidence, id_)


@dual_read
def get(session: Session, /, id_: str) -> Finding:
    """The finding with this id, or whose id alone begins with it. Raises FindingNotFound."""
    return by_id(session, Finding, id_, CALLED)


def _chosen(
    filter_: str, severities: Sequence[Severity], target: str | None, run_id: str | None
) -> list[Condition]:
    chosen = conditions(filter_)
    if severities:
        chosen.append(Finding.severity.in_([int(severity) for severity in severities]))
    if target is not None:
        place = canonical_target(target)
        below = Finding.target.startswith(place.rstrip("/") + "/", autoescape=True)
        chosen.append(or_(Finding.target == place, below))
    if run_id is not None:
        chosen.append(Finding.last_run_id == run_id)
    return chosen
