"""The tables of findings: what is weak, its history, evidence and groups, and what the feeds say of CVEs.

Times are microseconds since 1970 UTC; lists are JSON arrays of strings; days are `YYYY-MM-DD`, or empty.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from rookery.domains.findings.rules import State
from rookery.mechanisms.store import Base

ACCEPTED = text("state_until_us IS NOT NULL")
STATES = ", ".join(f"'{state}'" for state in State)


class Finding(Base):
    """One weakness on one target: what was seen of it last, and what people decided about it."""

    __tablename__ = "finding"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        Index("ix_finding_first_things_first", "priority", "last_seen_us"),
        Index("ix_finding_project_id_target", "project_id", "target"),
        Index(
            "ix_finding_accepted_until", "state_until_us", sqlite_where=ACCEPTED, postgresql_where=ACCEPTED
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]  # of which the id is made: one row per fingerprint
    project_id: Mapped[str]
    group_id: Mapped[str] = mapped_column(index=True)

    template_id: Mapped[str]
    template_sha256: Mapped[str]
    matcher: Mapped[str]
    engine: Mapped[str]
    type: Mapped[str]
    name: Mapped[str]
    severity: Mapped[int]
    priority: Mapped[int]
    exposure: Mapped[int]
    target: Mapped[str]
    matched_at: Mapped[str]
    scheme: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    path: Mapped[str]
    ip: Mapped[str]
    extracted: Mapped[str]
    meta: Mapped[str]
    description: Mapped[str]
    impact: Mapped[str]
    remediation: Mapped[str]
    reference: Mapped[str]
    tags: Mapped[str]

    cve: Mapped[str]
    cwe: Mapped[str]
    cvss_vector: Mapped[str]
    cvss_score: Mapped[float | None]
    epss: Mapped[float | None]
    epss_percentile: Mapped[float | None]
    kev: Mapped[bool]
    kev_added: Mapped[str]
    kev_due: Mapped[str]
    ransomware: Mapped[bool]

    state: Mapped[str]
    state_reason: Mapped[str]
    state_by: Mapped[str]
    state_at_us: Mapped[int]
    state_until_us: Mapped[int | None]
    needs_review: Mapped[bool]
    owner: Mapped[str]
    labels: Mapped[str]
    due_us: Mapped[int | None]

    first_seen_us: Mapped[int]
    last_seen_us: Mapped[int]
    fixed_us: Mapped[int | None]
    last_run_id: Mapped[str]
    run_count: Mapped[int]
    seen_count: Mapped[int]
    missed_count: Mapped[int]
    reopened_count: Mapped[int]


class FindingEvent(Base):
    """One line of a finding's history, never changed. `actor` is a person, or `rookery` for a rule."""

    __tablename__ = "finding_event"

    finding_id: Mapped[str] = mapped_column(ForeignKey("finding.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    at_us: Mapped[int]
    kind: Mapped[str]
    actor: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    reason: Mapped[str]
    run_id: Mapped[str]


class FindingAlias(Base):
    """Another target through which a finding was seen, as when a redirect leads from several to one place."""

    __tablename__ = "finding_alias"

    target: Mapped[str] = mapped_column(primary_key=True)
    finding_id: Mapped[str] = mapped_column(
        ForeignKey("finding.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class FindingEvidence(Base):
    """What was sent and what came back when the weakness was seen last; bounded and redacted."""

    __tablename__ = "finding_evidence"

    finding_id: Mapped[str] = mapped_column(ForeignKey("finding.id", ondelete="CASCADE"), primary_key=True)
    seen_us: Mapped[int]
    request: Mapped[str]
    response: Mapped[str]
    curl: Mapped[str]


class FindingGroup(Base):
    """The same weakness wherever it is: findings of one template and its CVEs. `main_id` is the newest."""

    __tablename__ = "finding_group"

    id: Mapped[str] = mapped_column(primary_key=True)
    main_id: Mapped[str]


class CveFact(Base):
    """What the imported feeds say of a CVE: CISA's known exploited vulnerabilities, and FIRST's EPSS."""

    __tablename__ = "cve_fact"

    cve: Mapped[str] = mapped_column(primary_key=True)
    kev_added: Mapped[str]
    kev_due: Mapped[str]
    ransomware: Mapped[bool]
    epss: Mapped[float | None]
    epss_percentile: Mapped[float | None]


class Feed(Base):
    """A feed that was imported: `kev` or `epss`, of which day it is, and when it was read."""

    __tablename__ = "feed"

    name: Mapped[str] = mapped_column(primary_key=True)
    dated: Mapped[str]
    imported_us: Mapped[int]
    entries: Mapped[int]
