"""Notifications: channels, rules, and what is sent; and what workers and runs have to announce."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_notifications"
down_revision = "0018_settings"


def upgrade() -> None:
    _channels()
    _rules()
    _notifications()
    op.create_table(
        "task_notice",
        *[_text(name) for name in ("id", "kind", "subject", "details")],
        sa.PrimaryKeyConstraint("id", name="pk_task_notice"),
    )
    op.add_column("run", _number("announced_us", nullable=True))


def _channels() -> None:
    op.create_table(
        "notification_channel",
        *[_text(name) for name in ("id", "name", "called", "kind")],
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        *[_text(name) for name in ("shown", "subject", "text")],
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        *_life(),
        sa.PrimaryKeyConstraint("id", name="pk_notification_channel"),
        sa.CheckConstraint("kind IN ('webhook', 'apprise')", name="ck_notification_channel_kind"),
    )
    op.create_index("uq_notification_channel_called", "notification_channel", ["called"], unique=True)


def _rules() -> None:
    op.create_table(
        "notification_rule",
        *[_text(name) for name in ("id", "name", "called", "terms")],
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        *_life(),
        sa.PrimaryKeyConstraint("id", name="pk_notification_rule"),
    )
    op.create_index("uq_notification_rule_called", "notification_rule", ["called"], unique=True)


def _notifications() -> None:
    op.create_table(
        "notification",
        _text("id"),
        _text("rule_id", nullable=True),
        *[_text(name) for name in ("channel_id", "kind", "subject")],
        _number("severity"),
        _text("occurrence"),
        *[_number(name) for name in ("count", "born_us", "due_us")],
        _text("task_id", nullable=True),
        sa.Column("is_claimed", sa.Boolean(), nullable=False),
        _number("attempts"),
        _number("sent_us", nullable=True),
        _text("error"),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        sa.CheckConstraint("count >= 1", name="ck_notification_count"),
    )
    waiting = sa.text("sent_us IS NULL")
    op.create_index(
        "ix_notification_waiting",
        "notification",
        ["due_us"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_notification_task_id", "notification", ["task_id"])
    op.create_index("ix_notification_same", "notification", ["rule_id", "channel_id", "kind", "subject"])
    op.create_index("ix_notification_born_us", "notification", ["born_us"])


def _life() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        *[_number(name) for name in ("revision", "created_us")],
        _text("created_by"),
        _number("updated_us"),
    ]


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)
