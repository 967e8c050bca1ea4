"""Schedules and their history as programs see them; times are UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from rookery.base.clock import from_us
from rookery.domains.schedules.models import Schedule, ScheduleFiring
from rookery.domains.schedules.rules import Missed, Outcome, Overlap
from rookery.domains.schedules.terms import terms_of
from rookery.domains.schedules.timing import Timing


class ScheduleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as it stands; `jitter` is in seconds.

    `next_due` is None for one that is disabled, or whose only date is past. `last_status` is where the task
    of its last firing stands: None when there was none, or that task has been pruned.
    """

    id: str
    name: str
    timing: Timing
    task_type: str
    payload: Any
    priority: int
    jitter: int
    missed: Missed
    overlap: Overlap
    is_enabled: bool
    created: datetime
    created_by: str
    next_due: datetime | None
    last_fired: datetime | None
    last_task_id: str | None
    last_status: str | None


class FiringInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a due time, and when; `due` is None where a person asked for it."""

    due: datetime | None
    at: datetime
    outcome: Outcome
    reason: str
    task_id: str | None


def schedule_info(row: Schedule, last_status: str | None) -> ScheduleInfo:
    """A schedule from its row."""
    return ScheduleInfo(
        id=row.id,
        name=row.name,
        is_enabled=row.is_enabled,
        created=from_us(row.created_us),
        created_by=row.created_by,
        next_due=_moment(row.next_due_us),
        last_fired=_moment(row.last_fired_us),
        last_task_id=row.last_task_id,
        last_status=last_status,
        **msgspec.structs.asdict(terms_of(row)),
    )


def firing_info(row: ScheduleFiring) -> FiringInfo:
    """What came of a due time, from its row."""
    return FiringInfo(
        due=_moment(row.due_us),
        at=from_us(row.at_us),
        outcome=Outcome(row.outcome),
        reason=row.reason,
        task_id=row.task_id,
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_us(microseconds)
