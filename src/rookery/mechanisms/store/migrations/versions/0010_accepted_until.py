"""Whoever reads findings asks first for acceptances whose time is over: an index that has only these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_accepted_until"
down_revision = "0009_schedules"


def upgrade() -> None:
    where = sa.text("state_until_us IS NOT NULL")
    op.create_index(
        "ix_finding_accepted_until",
        "finding",
        ["state_until_us"],
        sqlite_where=where,
        postgresql_where=where,
    )
