"""The tables of scans: what may be scanned, what is to be, what was, and how much of it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base

DEFAULT_PROJECT = "default"


class ScopeEntry(Base):
    """One address, network or name that a person allowed to be scanned."""

    __tablename__ = "scope_entry"

    entry: Mapped[str] = mapped_column(primary_key=True)
    added_us: Mapped[int]
    added_by: Mapped[str]


class Project(Base):
    """A group of endpoints, and the runs upon them. The project `default` is always there."""

    __tablename__ = "project"

    id: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str]
    created_us: Mapped[int]
    created_by: Mapped[str]


class Endpoint(Base):
    """What a project scans. `kind` is url, host, host:port or path; only an API's operation has a method."""

    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("project_id", "address", "method"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    kind: Mapped[str]
    address: Mapped[str]
    method: Mapped[str]
    name: Mapped[str]
    source: Mapped[str]
    added_us: Mapped[int]
    added_by: Mapped[str]


class Run(Base):
    """One scan: who started it, on what, how it ended. Plan, lists and counts are JSON; times microseconds.

    What came to light in it until `announced_us` has been announced.

    `template_ids` is the packed list that the bits of its coverage count along, read only when asked for.
    `trouble` says why it was no success, `task_id` which task has had it done, if one has.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(
            "status IN ('running', 'completed', 'partial', 'interrupted', 'failed', 'abandoned')",
            name="status",
        ),
        Index("ix_run_newest_first", "started_us", "id"),
        Index("ix_run_project_id", "project_id", "started_us"),
        Index("ix_run_task_id", "task_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str]
    actor: Mapped[str]
    engine: Mapped[str]
    engine_version: Mapped[str]
    status: Mapped[str]
    plan: Mapped[str]
    targets: Mapped[str]
    template_count: Mapped[int]
    template_ids: Mapped[bytes] = mapped_column(deferred=True, deferred_raiseload=True)
    started_us: Mapped[int]
    finished_us: Mapped[int | None]
    counts: Mapped[str]
    skipped: Mapped[str]
    errors: Mapped[str]
    trouble: Mapped[str]
    task_id: Mapped[str | None]
    announced_us: Mapped[int | None]


class RunCoverage(Base):
    """What one run did on one target: a packed bitmap of template positions for each outcome."""

    __tablename__ = "run_coverage"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    ok: Mapped[bytes]
    error: Mapped[bytes]
    skipped: Mapped[bytes]
    ok_count: Mapped[int]
    error_count: Mapped[int]
    skipped_count: Mapped[int]
