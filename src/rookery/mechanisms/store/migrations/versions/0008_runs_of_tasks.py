"""A run says which task has had it done, and why it was no success."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_runs_of_tasks"
down_revision = "0007_tasks"


def upgrade() -> None:
    op.add_column("run", sa.Column("trouble", sa.Text(), nullable=False, server_default=""))
    op.add_column("run", sa.Column("task_id", sa.Text(), nullable=True))
    op.create_index("ix_run_task_id", "run", ["task_id"])
    op.execute(
        "UPDATE run SET trouble = CASE status WHEN 'failed' THEN 'The run failed.' "
        "ELSE 'The run was ' || status || '.' END WHERE status NOT IN ('running', 'completed')"
    )
