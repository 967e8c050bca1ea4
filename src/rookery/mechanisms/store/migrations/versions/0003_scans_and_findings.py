"""What may be scanned, what was, and what was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_scans_and_findings"
down_revision = "0002_audit"


def upgrade() -> None:
    _scope()
    _runs()
    _findings()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _scope() -> None:
    op.create_table(
        "scope_entry",
        *_text("entry"),
        *_numbers("added_us"),
        *_text("added_by"),
        sa.PrimaryKeyConstraint("entry", name="pk_scope_entry"),
    )


def _runs() -> None:
    op.create_table(
        "run",
        *_text("id", "actor", "status", "targets"),
        *_numbers("template_count", "started_us"),
        sa.Column("finished_us", sa.BigInteger(), nullable=True),
        *_text("counts", "errors"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'interrupted', 'failed')", name=op.f("ck_run_status")
        ),
    )
    op.create_index("ix_run_newest_first", "run", ["started_us", "id"])


def _findings() -> None:
    op.create_table(
        "finding",
        *_text("id", "fingerprint", "template_id", "matcher", "name"),
        *_numbers("severity"),
        *_text("target", "matched_at", "extracted", "description", "remediation", "reference", "tags"),
        *_numbers("first_seen_us", "last_seen_us"),
        *_text("last_run_id"),
        *_numbers("run_count"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.UniqueConstraint("fingerprint", name="uq_finding_fingerprint"),
    )
    op.create_index("ix_finding_worst_first", "finding", ["severity", "last_seen_us", "id"])
    op.create_index("ix_finding_template_id", "finding", ["template_id"])
    op.create_index("ix_finding_last_run_id", "finding", ["last_run_id"])
