"""Settings that are set while Rookery runs, and what they were before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_settings"
down_revision = "0017_replies"

KINDS = "kind IN ('text', 'integer', 'number', 'boolean', 'list')"


def upgrade() -> None:
    op.create_table(
        "setting",
        _text("key"),
        *[_text(name, nullable=True) for name in ("kind", "default_value")],
        _text("description"),
        _text("value", nullable=True),
        *[_number(name) for name in ("revision", "updated_us")],
        _text("updated_by"),
        sa.PrimaryKeyConstraint("key", name="pk_setting"),
        sa.CheckConstraint(KINDS, name="ck_setting_kind"),
        sa.CheckConstraint("(kind IS NULL) = (default_value IS NULL)", name="ck_setting_declared"),
    )
    op.create_table(
        "setting_change",
        *[_text(name) for name in ("id", "key")],
        _number("revision"),
        *[_text(name, nullable=True) for name in ("old", "new")],
        _number("at_us"),
        _text("actor"),
        sa.PrimaryKeyConstraint("id", name="pk_setting_change"),
    )
    op.create_index("uq_setting_change_revision", "setting_change", ["key", "revision"], unique=True)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)
