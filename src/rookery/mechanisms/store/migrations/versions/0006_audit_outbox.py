"""The audit outbox: entries committed with the change they tell of, until they are in the chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_audit_outbox"
down_revision = "0005_projects_and_coverage"


def upgrade() -> None:
    op.create_table(
        "audit_outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_outbox"),
    )
