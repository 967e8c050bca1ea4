"""Rating findings anew by what a feed says of their CVEs; set by set, in one transaction."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Subquery, case, cast, func, select, true, update
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.config import Findings as Policy
from rookery.base.dates import date_us
from rookery.domains.findings.dialects import insert_into, words_of
from rookery.domains.findings.events import FeedImported
from rookery.domains.findings.feeds import FeedFile, read_feed
from rookery.domains.findings.models import CveFact, Feed, Finding, FindingEvent
from rookery.domains.findings.rules import ACTIVE, due_us
from rookery.domains.findings.standing import line
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.rook import Rook

BATCH = 5_000
FACTS: dict[str, dict[str, Any]] = {
    "kev": {"kev_added": "", "kev_due": "", "ransomware": False},
    "epss": {"epss": None, "epss_percentile": None},
}
"""The columns that a feed fills, and what they are for a CVE it does not list."""
UNKNOWN: dict[str, Any] = FACTS["kev"] | FACTS["epss"]


class Rated(msgspec.Struct, frozen=True):
    """Which feed it was, of which day, how many CVEs it lists, and how many findings are of them."""

    name: str
    dated: str
    entries: int
    findings: int


@dual
def import_feed(rook: Rook, /, path: Path) -> Rated:
    """Read CISA's catalogue (JSON) or EPSS (CSV, gzipped or not), and rate the findings of its CVEs anew.

    It replaces what the same feed said before. Raises FeedNotValid.
    """
    feed, policy = rook.offload(read_feed, path), rook.current_config().findings
    with rook.transaction() as session:
        _store(session, feed)
        is_epss = feed.name == "epss"
        count = _score(session) if is_epss else _exploited(session, policy)
        _sort(session)
        rook.emit(FeedImported(feed.name, feed.dated, len(feed.rows), count))
    return Rated(feed.name, feed.dated, len(feed.rows), count)


@dual_read
def feeds(session: Session, /) -> list[Feed]:
    """The feeds that were imported, with their days."""
    return list(session.scalars(select(Feed).order_by(Feed.name)))


def _store(session: Session, feed: FeedFile) -> None:
    names = FACTS[feed.name]
    session.execute(update(CveFact).values(**names), execution_options={"synchronize_session": False})
    insert = insert_into(session, CveFact)
    changed = {name: insert.excluded[name] for name in names}
    rows = iter(feed.rows)
    while batch := [UNKNOWN | row for row in islice(rows, BATCH)]:
        session.connection().execute(
            insert.on_conflict_do_update(index_elements=["cve"], set_=changed), batch
        )
    about = {"name": feed.name, "dated": feed.dated, "imported_us": now_us(), "entries": len(feed.rows)}
    known = insert_into(session, Feed).values(about)
    session.execute(known.on_conflict_do_update(index_elements=["name"], set_=about))


def _score(session: Session) -> int:
    """The highest score of a finding's CVEs is its own; how many findings have one."""
    facts = _facts(
        session,
        CveFact.epss.is_not(None),
        func.max(CveFact.epss).label("epss"),
        func.max(CveFact.epss_percentile).label("percentile"),
    )
    scored = update(Finding).where(Finding.id == facts.c.finding_id)
    result: Any = session.execute(
        scored.values(epss=facts.c.epss, epss_percentile=facts.c.percentile),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)


def _exploited(session: Session, policy: Policy) -> int:
    """Findings of listed CVEs are exploited, and due sooner; how many there are."""
    listed = _facts(
        session,
        CveFact.kev_added != "",
        func.min(CveFact.kev_added).label("added"),
        func.min(case((CveFact.kev_due != "", CveFact.kev_due))).label("due"),
        func.max(case((CveFact.ransomware, 1), else_=0)).label("ransomware"),
        func.min(CveFact.cve).label("cve"),
    )
    rows = session.execute(select(Finding, listed).join(listed, listed.c.finding_id == Finding.id)).all()
    for finding, _, added, due, ransomware, cve in rows:
        _mark(session, finding, (added, due or "", bool(ransomware), cve), policy)
    return len(rows)


def _facts(session: Session, is_told: ColumnElement[bool], *columns: ColumnElement[Any]) -> Subquery:
    """By finding, what those facts about its CVEs come to that are told."""
    each = words_of(session, Finding.cve)
    of_findings = select(Finding.id.label("finding_id"), *columns).select_from(Finding)
    joined = of_findings.join(each, true()).join(CveFact, CveFact.cve == each.c.value)
    return joined.where(is_told).group_by(Finding.id).subquery()


def _mark(session: Session, finding: Finding, fact: tuple[str, str, bool, str], policy: Policy) -> None:
    added, due, ransomware, cve = fact
    if not finding.kev:
        reason = f"{cve} is known to be exploited since {added}" + (f"; due on {due}." if due else ".")
        session.add(FindingEvent(**line(finding.id, "rating", reason, at_us=now_us())))
    finding.kev, finding.kev_added, finding.kev_due, finding.ransomware = True, added, due, ransomware
    if finding.state in ACTIVE:
        when = due_us(finding.severity, finding.first_seen_us, policy, kev=True, kev_due_us=date_us(due))
        finding.due_us = when if finding.due_us is None else min(finding.due_us, when or finding.due_us)


def _sort(session: Session) -> None:
    """`rules.priority_of`, for all at once."""
    kev = case((Finding.kev, 10), else_=0)
    percentile = cast(func.round(func.coalesce(Finding.epss_percentile, 0.0) * 10_000), BigInteger)
    priority = ((kev + Finding.severity) * 100_000 + percentile) * 10 + Finding.exposure
    changed = update(Finding).where(Finding.priority != priority).values(priority=priority)
    session.execute(changed, execution_options={"synchronize_session": False})
