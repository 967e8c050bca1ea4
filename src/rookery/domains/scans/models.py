"""The tables of scans: what may be scanned, and what was."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class ScopeEntry(Base):
    """One address, network or name that a person allowed to be scanned."""

    __tablename__ = "scope_entry"

    entry: Mapped[str] = mapped_column(primary_key=True)
    added_us: Mapped[int]
    added_by: Mapped[str]


class Run(Base):
    """One scan: who started it, on what, how it ended. Lists and counts are JSON; times are microseconds."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'completed', 'interrupted', 'failed')", name="status"),
        Index("ix_run_newest_first", "started_us", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str]
    status: Mapped[str]
    targets: Mapped[str]
    template_count: Mapped[int]
    started_us: Mapped[int]
    finished_us: Mapped[int | None]
    counts: Mapped[str]
    errors: Mapped[str]
