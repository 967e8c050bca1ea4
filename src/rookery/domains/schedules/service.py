"""What people do with schedules: make, change, switch, delete and preview them."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from msgspec.structs import replace

from rookery.base.clock import now, now_us, to_us
from rookery.base.ids import new_id
from rookery.domains.schedules import store, zones
from rookery.domains.schedules.document import ScheduleInfo
from rookery.domains.schedules.errors import BadSchedule
from rookery.domains.schedules.events import (
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleDisabled,
    ScheduleEnabled,
    ScheduleUpdated,
)
from rookery.domains.schedules.models import Schedule
from rookery.domains.schedules.rules import Missed, Overlap, check_name
from rookery.domains.schedules.terms import Terms, columns, terms_of, timing_of, valid
from rookery.domains.schedules.timing import Timing, first, started
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

MOST_PREVIEWED = 1_000


@dual
def create(
    rook: Rook,
    /,
    name: str,
    timing: Timing,
    task_type: str,
    payload: Any = None,
    *,
    priority: int = 5,
    jitter: int = 0,
    missed: str = Missed.ONCE,
    overlap: str = Overlap.SKIP,
    enabled: bool = True,
) -> ScheduleInfo:
    """Have a task of this type submitted whenever it is due, by any worker.

    Its start is put off by a random part of `jitter` seconds. `missed` says what becomes of due times at
    which no worker ran: `skip`, `once` (one task for all of them) or `all`; `overlap` whether it fires while
    its last task has not ended (`allow`) or not (`skip`). Raises BadSchedule, ScheduleExists,
    UnknownTaskType, PayloadNotValid.
    """
    check_name(name)
    wanted = Terms(
        timing=timing, task_type=task_type, payload=payload, priority=priority, jitter=jitter,
        missed=missed, overlap=overlap,  # type: ignore[arg-type]  # `valid` makes them what they should be
    )  # fmt: skip
    timing, due = rook.offload(started, timing, now())
    terms = valid(replace(wanted, timing=timing), rook.queue.types)
    row = Schedule(
        id=new_id(), name=name, is_enabled=enabled, created_us=now_us(), created_by=rook.actor,
        next_due_us=to_us(due) if enabled else None, **columns(terms),
    )  # fmt: skip
    with rook.transaction() as session:
        store.add(session, row)
        rook.emit(ScheduleCreated(name, row.id, str(timing), task_type))
    return store.get(rook, name)


@dual
def update(
    rook: Rook,
    /,
    name: str,
    *,
    timing: Timing | None = None,
    task_type: str | None = None,
    payload: Any = None,
    priority: int | None = None,
    jitter: int | None = None,
    missed: str | None = None,
    overlap: str | None = None,
) -> ScheduleInfo:
    """Change what is given. Raises what `create` raises, and ScheduleNotFound."""
    due: datetime | None = None
    if timing is not None:
        timing, due = rook.offload(started, timing, now())
    given = {
        "timing": timing, "task_type": task_type, "payload": payload, "priority": priority,
        "jitter": jitter, "missed": missed, "overlap": overlap,
    }  # fmt: skip
    changes = {key: value for key, value in given.items() if value is not None}
    with rook.transaction() as session:
        row = store.locked(session, name)
        terms = valid(replace(terms_of(row), **changes), rook.queue.types)
        if due is not None and row.is_enabled:
            row.next_due_us = to_us(due)
        changed = _write(row, columns(terms))
        if changed:
            rook.emit(ScheduleUpdated(name, row.id, changed))
    return store.get(rook, name)


def _write(row: Schedule, values: dict[str, Any]) -> tuple[str, ...]:
    """Write what is different; its names."""
    changed = {key: value for key, value in values.items() if getattr(row, key) != value}
    for key, value in changed.items():
        setattr(row, key, value)
    return tuple(changed)


@dual
def enable(rook: Rook, /, name: str) -> ScheduleInfo:
    """Have it fire from now on. Raises ScheduleNotFound, and BadSchedule when its only date is past."""
    rook.offload(zones.zone, store.get(rook, name).timing.zone)  # from its file; not in the transaction
    with rook.transaction() as session:
        row = store.locked(session, name)
        if not row.is_enabled:
            due = first(timing_of(row), now())
            if due is None:
                raise BadSchedule(f"The date of {name} is past: give it another one.")
            row.is_enabled, row.next_due_us = True, to_us(due)
            rook.emit(ScheduleEnabled(name, row.id))
    return store.get(rook, name)


@dual
def disable(rook: Rook, /, name: str) -> ScheduleInfo:
    """Have it not fire any more; what it has submitted goes on. Raises ScheduleNotFound."""
    with rook.transaction() as session:
        row = store.locked(session, name)
        if row.is_enabled:
            row.is_enabled, row.next_due_us = False, None
            rook.emit(ScheduleDisabled(name, row.id))
    return store.get(rook, name)


@dual
def delete(rook: Rook, /, name: str) -> None:
    """Delete a schedule and its history; what it has submitted goes on. Raises ScheduleNotFound."""
    with rook.transaction() as session:
        row = store.locked(session, name)
        store.remove(session, row)
        rook.emit(ScheduleDeleted(name, row.id))


@dual
def preview(rook: Rook, /, what: str | Timing, count: int = 5) -> list[datetime]:
    """The next so many due times of a schedule, by its name, or of a timing; fewer when there are no more.

    Raises ScheduleNotFound, BadSchedule.
    """
    if not 1 <= count <= MOST_PREVIEWED:
        raise BadSchedule(f"Between 1 and {MOST_PREVIEWED} due times can be shown, not {count}.")
    moment = now()
    if isinstance(what, str):
        timing = store.get(rook, what).timing
    else:
        timing, _ = rook.offload(started, what, moment)
    return rook.offload(lambda: list(islice(timing.dues(moment), count)))
