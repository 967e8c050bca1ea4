"""The finding table."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class Finding(Base):
    """One weakness on one target. Times are microseconds since 1970 UTC; lists are JSON arrays of strings."""

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_worst_first", "severity", "last_seen_us", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    template_id: Mapped[str] = mapped_column(index=True)
    matcher: Mapped[str]
    name: Mapped[str]
    severity: Mapped[int]
    target: Mapped[str]
    matched_at: Mapped[str]
    extracted: Mapped[str]
    description: Mapped[str]
    remediation: Mapped[str]
    reference: Mapped[str]
    tags: Mapped[str]
    first_seen_us: Mapped[int]
    last_seen_us: Mapped[int]
    last_run_id: Mapped[str] = mapped_column(index=True)
    run_count: Mapped[int]
