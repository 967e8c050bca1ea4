"""Tasks: the queue, its failed attempts, its limits and its counters; and the transitions there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_tasks"
down_revision = "0006_audit_outbox"

STATUSES = "'pending', 'scheduled', 'running', 'retrying', 'completed', 'failed', 'cancelled'"
TRANSITIONS = (
    "'scheduled>pending', 'scheduled>cancelled', 'pending>running', 'pending>cancelled', "
    "'running>pending', 'running>retrying', 'running>completed', 'running>failed', 'running>cancelled', "
    "'retrying>pending', 'retrying>cancelled', 'failed>pending', 'cancelled>pending'"
)


def upgrade() -> None:
    _tasks()
    _indexes()
    _attempts()
    _limits()
    _workers()
    _tally()
    _guard_transitions()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _tasks() -> None:
    op.create_table(
        "task",
        *[_text(name) for name in ("id", "type", "payload", "actor")],
        _text("parent_id", nullable=True),
        *[_number(name) for name in ("priority", "rank")],
        _text("status"),
        _text("key", nullable=True),
        _number("key_until_us", nullable=True),
        sa.Column("holds_key", sa.Boolean(), nullable=False),
        *[_text(name, nullable=True) for name in ("limits", "waits_for", "retry")],
        sa.Column("timeout", sa.Double(), nullable=True),
        *[_number(name) for name in ("run_at_us", "created_us")],
        *[_number(name, nullable=True) for name in ("dispatched_us", "started_us", "finished_us")],
        _text("worker_id", nullable=True),
        *[_number(name, nullable=True) for name in ("lease_until_us", "cancel_us")],
        *[_number(name) for name in ("attempts", "failures", "kills")],
        *[_number(name, nullable=True) for name in ("done", "total")],
        _text("message"),
        *[_text(name, nullable=True) for name in ("result", "error")],
        sa.PrimaryKeyConstraint("id", name="pk_task"),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="ck_task_status"),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name="ck_task_priority"),
        sa.CheckConstraint("(status = 'running') = (worker_id IS NOT NULL)", name="ck_task_worker"),
        sa.CheckConstraint("(status = 'running') = (lease_until_us IS NOT NULL)", name="ck_task_lease"),
        sa.CheckConstraint(
            "(status IN ('completed', 'failed', 'cancelled')) = (finished_us IS NOT NULL)",
            name="ck_task_finished",
        ),
        sa.CheckConstraint("waits_for IS NULL OR status = 'pending'", name="ck_task_waits"),
        sa.CheckConstraint("NOT holds_key OR (key IS NOT NULL AND finished_us IS NULL)", name="ck_task_key"),
    )


def _indexes() -> None:
    _partial("ix_task_ready", ["rank", "id"], "status = 'pending' AND waits_for IS NULL")
    _partial("ix_task_due", ["run_at_us"], "status IN ('scheduled', 'retrying')")
    _partial("ix_task_waiting", ["waits_for", "rank"], "waits_for IS NOT NULL")
    _partial("ix_task_running", ["worker_id"], "status = 'running'")
    _partial("uq_task_key", ["type", "key"], "holds_key", unique=True)
    _partial("ix_task_finished", ["finished_us"], "finished_us IS NOT NULL")
    _partial("ix_task_status", ["status", "id"], "status <> 'completed'")
    op.create_index("ix_task_type", "task", ["type", "id"])


def _partial(name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, "task", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _attempts() -> None:
    op.create_table(
        "task_attempt",
        _text("task_id"),
        _number("number"),
        _text("worker_id"),
        _number("started_us", nullable=True),
        _number("ended_us"),
        _text("outcome"),
        _text("error", nullable=True),
        sa.PrimaryKeyConstraint("task_id", "number", name="pk_task_attempt"),
    )


def _limits() -> None:
    op.create_table(
        "task_slot",
        _text("key"),
        _number("number"),
        _text("task_id"),
        sa.PrimaryKeyConstraint("key", "number", name="pk_task_slot"),
    )
    op.create_index("ix_task_slot_task_id", "task_slot", ["task_id"])


def _workers() -> None:
    op.create_table(
        "task_worker",
        *[_text(name) for name in ("id", "host", "types")],
        *[_number(name) for name in ("pid", "concurrency", "started_us", "seen_us")],
        sa.PrimaryKeyConstraint("id", name="pk_task_worker"),
    )


def _tally() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys alone
    op.create_table(
        "task_tally",
        sa.Column("id", number, autoincrement=True, nullable=False),
        _text("type"),
        _text("status"),
        _number("change"),
        sa.PrimaryKeyConstraint("id", name="pk_task_tally"),
    )


def _guard_transitions() -> None:
    """What rules.TRANSITIONS does not name cannot happen, whoever tries."""
    illegal = f"OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ({TRANSITIONS})"
    if op.get_bind().dialect.name == "sqlite":
        said = "SELECT RAISE(ABORT, 'a task cannot become that from where it stands')"
        op.execute(
            f"CREATE TRIGGER task_transition BEFORE UPDATE OF status ON task WHEN {illegal} BEGIN {said}; END"
        )
        return
    op.execute(
        "CREATE FUNCTION task_transition() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'a task cannot become % from %', NEW.status, OLD.status "
        "USING ERRCODE = 'check_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER task_transition BEFORE UPDATE OF status ON task FOR EACH ROW WHEN ({illegal}) "
        "EXECUTE FUNCTION task_transition()"
    )
