"""Versions of configurations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_configurations"
down_revision = "0013_credentials"


def upgrade() -> None:
    op.create_table(
        "configuration_version",
        *[_text(name) for name in ("id", "device_id", "device")],
        _number("number"),
        _text("platform"),
        *[_number(name) for name in ("taken_us", "seen_us")],
        _text("digest"),
        *[_number(name) for name in ("lines", "size", "added", "removed")],
        _text("actor"),
        *[sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("content", "raw")],
        sa.PrimaryKeyConstraint("id", name="pk_configuration_version"),
    )
    columns = ["device_id", "number"]
    op.create_index("uq_configuration_version_number", "configuration_version", columns, unique=True)
    op.create_table(
        "current_configuration",
        _text("device_id"),
        _text("version_id"),
        sa.PrimaryKeyConstraint("device_id", name="pk_current_configuration"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)
