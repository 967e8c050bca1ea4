"""The tables of settings. Times are microseconds since 1970 UTC; values are JSON."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class StoredSetting(Base):
    """A setting that was set while Rookery ran, or declared: that one has a kind, and a default of its own.

    Without a `value` it is at its default. `revision` counts its changes.
    """

    __tablename__ = "setting"
    __table_args__ = (
        CheckConstraint("kind IN ('text', 'integer', 'number', 'boolean', 'list')", name="kind"),
        CheckConstraint("(kind IS NULL) = (default_value IS NULL)", name="declared"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str | None]
    default_value: Mapped[str | None]
    description: Mapped[str]
    value: Mapped[str | None]
    revision: Mapped[int]
    updated_us: Mapped[int]
    updated_by: Mapped[str]


class SettingChange(Base):
    """What a setting was before, and after; it outlives the setting. None: at its default."""

    __tablename__ = "setting_change"
    __table_args__ = (Index("uq_setting_change_revision", "key", "revision", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    revision: Mapped[int]
    old: Mapped[str | None]
    new: Mapped[str | None]
    at_us: Mapped[int]
    actor: Mapped[str]
