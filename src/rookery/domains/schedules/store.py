"""Schedules and what came of their due times, as they are stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rookery.base.clock import to_us
from rookery.base.ids import new_id
from rookery.domains.schedules.document import FiringInfo, ScheduleInfo, firing_info, schedule_info
from rookery.domains.schedules.errors import ScheduleExists, ScheduleNotFound
from rookery.domains.schedules.models import Schedule, ScheduleFiring
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.tasks.models import Task

REMEMBERED = 100
"""Due times that a schedule's history holds, the newest ones."""


@dual_read
def list_(session: Session, /) -> list[ScheduleInfo]:
    """Every schedule, by name."""
    return [schedule_info(*row) for row in session.execute(_with_status().order_by(Schedule.name))]


@dual_read
def get(session: Session, /, name: str) -> ScheduleInfo:
    """The schedule of this name. Raises ScheduleNotFound."""
    row = session.execute(_with_status().where(Schedule.name == name)).one_or_none()
    if row is None:
        raise _not_found(name)
    return schedule_info(*row)


def _with_status() -> Any:
    last_task = Task.id == Schedule.last_task_id
    return select(Schedule, Task.status).outerjoin(Task, last_task)


@dual_read
def history(session: Session, /, name: str, *, limit: int = 20) -> list[FiringInfo]:
    """What came of the last due times, the newest first. Raises ScheduleNotFound."""
    schedule_id = session.scalar(select(Schedule.id).where(Schedule.name == name))
    if schedule_id is None:
        raise _not_found(name)
    wanted = select(ScheduleFiring).where(ScheduleFiring.schedule_id == schedule_id)
    return [
        firing_info(row) for row in session.scalars(wanted.order_by(ScheduleFiring.id.desc()).limit(limit))
    ]


@dual
def locked(session: Session, /, name: str) -> Schedule:
    """The row of a schedule, nobody else's until this transaction ends. Raises ScheduleNotFound."""
    row = session.scalar(select(Schedule).where(Schedule.name == name).with_for_update())
    if row is None:
        raise _not_found(name)
    return row


@dual
def add(session: Session, /, row: Schedule) -> None:
    """Store a new schedule. Raises ScheduleExists."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise ScheduleExists(f"There is a schedule {row.name} already.") from None


@dual
def remove(session: Session, /, row: Schedule) -> None:
    """Delete a schedule, with its history."""
    session.execute(delete(Schedule).where(Schedule.id == row.id))


@dual_read
def due(
    session: Session, /, types: Collection[str], now_us: int, most: int, besides: Collection[str] = ()
) -> Sequence[Schedule]:
    """The schedules for tasks of these types whose time has come, those first that have waited longest."""
    wanted = _of_types(select(Schedule), types)
    is_due = wanted.where(Schedule.next_due_us <= now_us, Schedule.id.not_in(besides))
    return session.scalars(is_due.order_by(Schedule.next_due_us).limit(most)).all()


@dual_read
def next_due_us(session: Session, /, types: Collection[str]) -> int | None:
    """When the next schedule for a task of these types is due."""
    first: int | None = session.scalar(_of_types(select(func.min(Schedule.next_due_us)), types))
    return first


def _of_types(wanted: Any, types: Collection[str]) -> Any:
    return wanted.where(Schedule.task_type.in_(sorted(types)))


@dual
def advance(session: Session, /, seen: Schedule, upcoming_us: int | None) -> Schedule | None:
    """Take on what was seen to be due, unless another did, or its timing is not what it was: then None."""
    taken = (
        update(Schedule)
        .where(
            Schedule.id == seen.id,
            Schedule.next_due_us == seen.next_due_us,
            Schedule.timing == seen.timing,
        )
        .values(next_due_us=upcoming_us)
        .returning(Schedule)
    )
    return session.scalars(taken).one_or_none()


@dual
def remember(session: Session, /, schedule_id: str, came: FiringInfo) -> None:
    """Add to a schedule's history what came of a due time."""
    session.add(
        ScheduleFiring(
            id=new_id(),
            schedule_id=schedule_id,
            due_us=None if came.due is None else to_us(came.due),
            at_us=to_us(came.at),
            outcome=came.outcome.value,
            reason=came.reason,
            task_id=came.task_id,
        )
    )
    session.flush()
    mine = select(ScheduleFiring.id).where(ScheduleFiring.schedule_id == schedule_id)
    oldest = mine.order_by(ScheduleFiring.id.desc()).offset(REMEMBERED)
    session.execute(delete(ScheduleFiring).where(ScheduleFiring.id.in_(oldest)))


@dual_read
def status_of_last(session: Session, /, row: Schedule) -> str | None:
    """Where the task of a schedule's last firing stands, if there is one."""
    return session.scalar(select(Task.status).where(Task.id == row.last_task_id))


def _not_found(name: str) -> ScheduleNotFound:
    return ScheduleNotFound(
        f"There is no schedule {name[:80]}: `rookery schedules list` shows those there are."
    )
