"""Schedules, and what came of their due times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_schedules"
down_revision = "0008_runs_of_tasks"


def upgrade() -> None:
    _schedules()
    _firings()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _schedules() -> None:
    op.create_table(
        "schedule",
        *[_text(name) for name in ("id", "name", "timing", "task_type", "payload")],
        *[_number(name) for name in ("priority", "jitter")],
        *[_text(name) for name in ("missed", "overlap")],
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        _number("created_us"),
        _text("created_by"),
        *[_number(name, nullable=True) for name in ("next_due_us", "last_fired_us")],
        _text("last_task_id", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
        sa.CheckConstraint("missed IN ('skip', 'once', 'all')", name="ck_schedule_missed"),
        sa.CheckConstraint("overlap IN ('skip', 'allow')", name="ck_schedule_overlap"),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name="ck_schedule_priority"),
        sa.CheckConstraint("jitter >= 0", name="ck_schedule_jitter"),
        sa.CheckConstraint("is_enabled OR next_due_us IS NULL", name="ck_schedule_due"),
    )
    op.create_index("uq_schedule_name", "schedule", ["name"], unique=True)
    where = sa.text("next_due_us IS NOT NULL")
    op.create_index(
        "ix_schedule_due", "schedule", ["next_due_us"], sqlite_where=where, postgresql_where=where
    )


def _firings() -> None:
    op.create_table(
        "schedule_firing",
        *[_text(name) for name in ("id", "schedule_id")],
        _number("due_us", nullable=True),
        _number("at_us"),
        *[_text(name) for name in ("outcome", "reason")],
        _text("task_id", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_firing"),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], ondelete="CASCADE", name="fk_schedule_firing_schedule_id"
        ),
        sa.CheckConstraint(
            "outcome IN ('fired', 'missed', 'overlapped', 'refused')", name="ck_schedule_firing_outcome"
        ),
        sa.CheckConstraint("(outcome = 'fired') = (task_id IS NOT NULL)", name="ck_schedule_firing_task"),
    )
    op.create_index("uq_schedule_firing_due", "schedule_firing", ["schedule_id", "due_us"], unique=True)
