"""Which versions are in the Git mirror."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_mirror"
down_revision = "0014_configurations"


def upgrade() -> None:
    op.create_table(
        "mirrored_device",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_mirrored_device"),
    )
