"""The tables of notifications. Times are microseconds since 1970 UTC."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base

_WAITING = text("sent_us IS NULL")


class Channel(Base):
    """Where notifications go. `sealed` are its URL and secret, `shown` is as much of the URL as is none.

    `subject` and `text` are templates; empty, they are those that ship with Rookery.
    """

    __tablename__ = "notification_channel"
    __table_args__ = (
        CheckConstraint("kind IN ('webhook', 'apprise')", name="kind"),
        Index("uq_notification_channel_called", "called", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    called: Mapped[str]
    kind: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    shown: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    is_enabled: Mapped[bool]
    revision: Mapped[int]
    created_us: Mapped[int]
    created_by: Mapped[str]
    updated_us: Mapped[int]


class Rule(Base):
    """What is told to whom, and when: `terms` are JSON."""

    __tablename__ = "notification_rule"
    __table_args__ = (Index("uq_notification_rule_called", "called", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    called: Mapped[str]
    terms: Mapped[str]
    is_enabled: Mapped[bool]
    revision: Mapped[int]
    created_us: Mapped[int]
    created_by: Mapped[str]
    updated_us: Mapped[int]


class Notification(Base):
    """Something to be told by one channel, for one rule (None: a test); `occurrence` is JSON.

    `task_id` is the task that is to deliver it; once it `is_claimed`, nothing collapses into it any more.
    `count` is how often the same has happened.
    """

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint("count >= 1", name="count"),
        Index("ix_notification_waiting", "due_us", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_notification_task_id", "task_id"),
        Index("ix_notification_same", "rule_id", "channel_id", "kind", "subject"),
        Index("ix_notification_born_us", "born_us"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[str | None]
    channel_id: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    severity: Mapped[int]
    occurrence: Mapped[str]
    count: Mapped[int]
    born_us: Mapped[int]
    due_us: Mapped[int]
    task_id: Mapped[str | None]
    is_claimed: Mapped[bool]
    attempts: Mapped[int]
    sent_us: Mapped[int | None]
    error: Mapped[str]
