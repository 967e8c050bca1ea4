"""The tables of tasks. Times are microseconds since 1970 UTC; payload, limits, retry, result are JSON."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class Task(Base):
    """One durable unit of work. The row is the truth, whoever runs it.

    `rank` orders what is pending, `attempts` is also the fence: only the attempt that is under way may write.
    `holds_key` says whether no other task of its type may have the same `key` now. A pending task that
    `waits_for` a limit (one of its `limits`, by key the most that may run at a time) is woken by the one that
    frees it.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'scheduled', 'running', 'retrying', 'completed', 'failed', 'cancelled')",
            name="status",
        ),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        CheckConstraint("(status = 'running') = (worker_id IS NOT NULL)", name="worker"),
        CheckConstraint("(status = 'running') = (lease_until_us IS NOT NULL)", name="lease"),
        CheckConstraint(
            "(status IN ('completed', 'failed', 'cancelled')) = (finished_us IS NOT NULL)", name="finished"
        ),
        CheckConstraint("waits_for IS NULL OR status = 'pending'", name="waits"),
        CheckConstraint("NOT holds_key OR (key IS NOT NULL AND finished_us IS NULL)", name="key"),
        Index(
            "ix_task_ready", "rank", "id",
            sqlite_where=text("status = 'pending' AND waits_for IS NULL"),
            postgresql_where=text("status = 'pending' AND waits_for IS NULL"),
        ),
        Index(
            "ix_task_due", "run_at_us",
            sqlite_where=text("status IN ('scheduled', 'retrying')"),
            postgresql_where=text("status IN ('scheduled', 'retrying')"),
        ),
        Index(
            "ix_task_waiting", "waits_for", "rank",
            sqlite_where=text("waits_for IS NOT NULL"),
            postgresql_where=text("waits_for IS NOT NULL"),
        ),
        Index(
            "ix_task_running", "worker_id",
            sqlite_where=text("status = 'running'"),
            postgresql_where=text("status = 'running'"),
        ),
        Index(
            "uq_task_key", "type", "key", unique=True,
            sqlite_where=text("holds_key"), postgresql_where=text("holds_key"),
        ),
        Index(
            "ix_task_finished", "finished_us",
            sqlite_where=text("finished_us IS NOT NULL"),
            postgresql_where=text("finished_us IS NOT NULL"),
        ),
        Index(
            "ix_task_status", "status", "id",
            sqlite_where=text("status <> 'completed'"), postgresql_where=text("status <> 'completed'"),
        ),
        Index("ix_task_type", "type", "id"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    payload: Mapped[str]
    actor: Mapped[str]
    parent_id: Mapped[str | None]
    priority: Mapped[int]
    rank: Mapped[int]
    status: Mapped[str]
    key: Mapped[str | None]
    key_until_us: Mapped[int | None]
    holds_key: Mapped[bool]
    limits: Mapped[str | None]
    waits_for: Mapped[str | None]
    retry: Mapped[str | None]
    timeout: Mapped[float | None]
    run_at_us: Mapped[int]
    created_us: Mapped[int]
    dispatched_us: Mapped[int | None]
    started_us: Mapped[int | None]
    finished_us: Mapped[int | None]
    worker_id: Mapped[str | None]
    lease_until_us: Mapped[int | None]
    cancel_us: Mapped[int | None]
    attempts: Mapped[int]
    failures: Mapped[int]
    kills: Mapped[int]
    done: Mapped[int | None]
    total: Mapped[int | None]
    message: Mapped[str]
    result: Mapped[str | None]
    error: Mapped[str | None]


class TaskAttempt(Base):
    """An attempt that did not complete its task: who made it, and what was the matter."""

    __tablename__ = "task_attempt"

    task_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    worker_id: Mapped[str]
    started_us: Mapped[int | None]
    ended_us: Mapped[int]
    outcome: Mapped[str]
    error: Mapped[str | None]


class TaskSlot(Base):
    """One of the places that a limit has, taken by a running task."""

    __tablename__ = "task_slot"
    __table_args__ = (Index("ix_task_slot_task_id", "task_id"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str]


class TaskWorker(Base):
    """A worker that has begun and not ended yet; `types` are JSON."""

    __tablename__ = "task_worker"

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    concurrency: Mapped[int]
    types: Mapped[str]
    started_us: Mapped[int]
    seen_us: Mapped[int]


class TaskNotice(Base):
    """What a worker has seen, and nobody has announced yet, of a task or a worker; `details` are JSON."""

    __tablename__ = "task_notice"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]


class TaskTally(Base):
    """By how much the number of tasks of a type that ended so changed. Summed up from time to time.

    Many small rows that are only ever added: a counter that every transaction updates would make all
    workers wait for each other.
    """

    __tablename__ = "task_tally"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    type: Mapped[str]
    status: Mapped[str]
    change: Mapped[int]
