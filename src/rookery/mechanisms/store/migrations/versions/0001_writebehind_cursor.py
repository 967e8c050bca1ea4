"""How far each write-behind stream has been delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_writebehind_cursor"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "writebehind_cursor",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_writebehind_cursor"),
    )
