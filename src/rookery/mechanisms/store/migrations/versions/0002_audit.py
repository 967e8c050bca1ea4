"""The audit log: entries, checkpoints, and where a pruned log begins."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_audit"
down_revision = "0001_writebehind_cursor"

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        _position("position"),
        *_of(sa.Text(), "id"),
        *_of(sa.BigInteger(), "at_us"),
        *_of(sa.Text(), "event_type", "actor", "object", "request_id", "details"),
        *_of(sa.LargeBinary(), "previous", "hash"),
        sa.PrimaryKeyConstraint("position", name="pk_audit_entry"),
        sa.UniqueConstraint("id", name="uq_audit_entry_id"),
    )
    op.create_index("ix_audit_entry_at_us", "audit_entry", ["at_us"])
    op.create_table(
        "audit_checkpoint",
        _position("size"),
        *_of(sa.LargeBinary(), "head"),
        *_of(sa.BigInteger(), "at_us"),
        *_of(sa.LargeBinary(), "previous"),
        *_of(sa.Text(), "key_id"),
        *_of(sa.LargeBinary(), "signature"),
        sa.PrimaryKeyConstraint("size", name="pk_audit_checkpoint"),
    )
    op.create_table(
        "audit_base",
        _position("size"),
        *_of(sa.LargeBinary(), "head"),
        *_of(sa.BigInteger(), "at_us", "before_us"),
        *_of(sa.Text(), "key_id"),
        *_of(sa.LargeBinary(), "signature"),
        sa.PrimaryKeyConstraint("size", name="pk_audit_base"),
    )


def _position(name: str) -> sa.Column[int]:
    return sa.Column(name, POSITION, nullable=False, autoincrement=False)


def _of(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
