"""Credentials, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_credentials"
down_revision = "0012_devices"


def upgrade() -> None:
    op.create_table(
        "credential",
        *[_text(name) for name in ("id", "name", "called", "username")],
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        _text("tags"),
        _number("priority"),
        _text("description"),
        *[_number(name) for name in ("revision", "created_us")],
        _text("created_by"),
        *[_number(name) for name in ("updated_us", "success_count", "failure_count", "failed_in_row")],
        *[_number(name, nullable=True) for name in ("last_success_us", "last_failure_us")],
        sa.PrimaryKeyConstraint("id", name="pk_credential"),
        sa.CheckConstraint("priority BETWEEN 0 AND 1000", name="ck_credential_priority"),
    )
    op.create_index("uq_credential_called", "credential", ["called"], unique=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)
