"""Projects and their endpoints; what a run was asked, by which engine, and what it covered."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0005_projects_and_coverage"
down_revision = "0004_findings_with_a_life"

STATUSES = "'running', 'completed', 'partial', 'interrupted', 'failed', 'abandoned'"


def upgrade() -> None:
    _projects()
    _endpoints()
    _runs()
    _coverage()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _bytes(*names: str) -> list[sa.Column[bytes]]:
    return [sa.Column(name, sa.LargeBinary(), nullable=False) for name in names]


def _projects() -> None:
    project = op.create_table(
        "project",
        *_text("id", "description"),
        *_numbers("created_us"),
        *_text("created_by"),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
    )
    default = {"id": "default", "description": "What belongs to no other project."}
    op.bulk_insert(project, [{**default, "created_us": time.time_ns() // 1000, "created_by": "system"}])


def _endpoints() -> None:
    op.create_table(
        "endpoint",
        *_text("id", "project_id", "kind", "address", "method", "name", "source"),
        *_numbers("added_us"),
        *_text("added_by"),
        sa.PrimaryKeyConstraint("id", name="pk_endpoint"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_endpoint_project_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("project_id", "address", "method", name="uq_endpoint_project_id_address_method"),
    )


def _runs() -> None:
    """Runs of before belong to the default project; which templates they had is not known any more."""
    with op.batch_alter_table("run") as run:
        run.add_column(sa.Column("project_id", sa.Text(), nullable=False, server_default="default"))
        run.add_column(sa.Column("engine", sa.Text(), nullable=False, server_default="embedded"))
        run.add_column(sa.Column("engine_version", sa.Text(), nullable=False, server_default=""))
        run.add_column(sa.Column("plan", sa.Text(), nullable=False, server_default="{}"))
        run.add_column(sa.Column("skipped", sa.Text(), nullable=False, server_default="{}"))
        run.add_column(
            sa.Column("template_ids", sa.LargeBinary(), nullable=False, server_default=sa.text("''"))
        )
        run.drop_constraint(op.f("ck_run_status"), type_="check")
        run.create_check_constraint(op.f("ck_run_status"), f"status IN ({STATUSES})")
    op.create_index("ix_run_project_id", "run", ["project_id", "started_us"])


def _coverage() -> None:
    op.create_table(
        "run_coverage",
        *_text("run_id", "target"),
        *_bytes("ok", "error", "skipped"),
        *_numbers("ok_count", "error_count", "skipped_count"),
        sa.PrimaryKeyConstraint("run_id", "target", name="pk_run_coverage"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_coverage_run_id", ondelete="CASCADE"),
    )
