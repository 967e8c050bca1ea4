"""The tables of schedules. Times are microseconds since 1970 UTC; timing and payload are JSON."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class Schedule(Base):
    """What is to be done when. `next_due_us` is also the fence: who changes it from what was seen, fires.

    Without one it does not fire: it is disabled, or its only date is past.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("missed IN ('skip', 'once', 'all')", name="missed"),
        CheckConstraint("overlap IN ('skip', 'allow')", name="overlap"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        CheckConstraint("jitter >= 0", name="jitter"),
        CheckConstraint("is_enabled OR next_due_us IS NULL", name="due"),
        Index("uq_schedule_name", "name", unique=True),
        Index(
            "ix_schedule_due", "next_due_us",
            sqlite_where=text("next_due_us IS NOT NULL"),
            postgresql_where=text("next_due_us IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    timing: Mapped[str]
    task_type: Mapped[str]
    payload: Mapped[str]
    priority: Mapped[int]
    jitter: Mapped[int]
    missed: Mapped[str]
    overlap: Mapped[str]
    is_enabled: Mapped[bool]
    created_us: Mapped[int]
    created_by: Mapped[str]
    next_due_us: Mapped[int | None]
    last_fired_us: Mapped[int | None]
    last_task_id: Mapped[str | None]


class ScheduleFiring(Base):
    """What came of a due time, of which there is one row at most; without one, a person asked for it."""

    __tablename__ = "schedule_firing"
    __table_args__ = (
        CheckConstraint("outcome IN ('fired', 'missed', 'overlapped', 'refused')", name="outcome"),
        CheckConstraint("(outcome = 'fired') = (task_id IS NOT NULL)", name="task"),
        Index("uq_schedule_firing_due", "schedule_id", "due_us", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    due_us: Mapped[int | None]
    at_us: Mapped[int]
    outcome: Mapped[str]
    reason: Mapped[str]
    task_id: Mapped[str | None]
