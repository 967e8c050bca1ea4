"""Firing: in one transaction a task is submitted, and its schedule due another time. Who is first does it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now, now_us, to_us
from rookery.base.errors import Invalid, Unavailable
from rookery.domains.schedules import store
from rookery.domains.schedules.document import FiringInfo
from rookery.domains.schedules.errors import ScheduleBusy
from rookery.domains.schedules.events import ScheduleFired, ScheduleSkipped
from rookery.domains.schedules.models import Schedule
from rookery.domains.schedules.rules import Decision, Missed, Outcome, Overlap, decide, is_late
from rookery.domains.schedules.terms import timing_of
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.rules import ENDED
from rookery.mechanisms.tasks.service import submit_task

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.submitting import TaskId

AT_ONCE = 100
"""Schedules that are looked at before it is asked again which are due."""


@dual
def fire_due(rook: Rook, /, at_us: int | None = None) -> int | None:
    """Fire what is due now, or at this moment; when the next one is, in microseconds since 1970 UTC.

    Those for types of tasks that this process does not have are left to others, who may have them. One that
    fails is not in the way of the others: what it raised is, after the last, in an ExceptionGroup.
    """
    moment = from_us(now_us() if at_us is None else at_us)
    failures: dict[str, Exception] = {}
    while rows := store.due(rook, rook.queue.types, to_us(moment), AT_ONCE, failures):
        tried = {row.id: _failure_to_fire(rook, row, moment) for row in rows}
        failures |= {id_: failure for id_, failure in tried.items() if failure is not None}
    if failures:
        raise ExceptionGroup("schedules did not fire", list(failures.values()))
    return store.next_due_us(rook, rook.queue.types)


def _failure_to_fire(rook: Rook, row: Schedule, moment: datetime) -> Exception | None:
    try:
        _fire(rook, row, moment)
    except Unavailable:
        raise
    except Exception as failure:  # noqa: BLE001  raised together, after the last schedule
        failure.add_note(f"It was the schedule {row.name}.")
        return failure
    return None


def _fire(rook: Rook, seen: Schedule, moment: datetime) -> None:
    due = from_us(seen.next_due_us or 0)
    decision, trouble = rook.offload(_decided, seen, due, moment)
    upcoming_us = None if decision.next is None else to_us(decision.next)
    with rook.transaction() as session:
        row = store.advance(session, seen, upcoming_us)
        if row is None:
            return
        firing = _Firing(rook, session, row, moment)
        if decision.missed:
            firing.skip(due, Outcome.MISSED, decision.missed)
        if trouble:
            firing.skip(due, Outcome.REFUSED, trouble)
        for each in decision.fires:
            firing.fire(each)


def _decided(row: Schedule, due: datetime, moment: datetime) -> tuple[Decision, str]:
    """What is to be done; or nothing, ever again, and why, for a timing that is none any more."""
    try:
        return decide(timing_of(row), Missed(row.missed), due, moment), ""
    except (Invalid, msgspec.ValidationError) as error:
        return Decision((), None), f"{error} It does not fire any more."


@dual
def run_now(rook: Rook, /, name: str) -> TaskId:
    """Submit the task of a schedule now, enabled or not; it stays due when it was.

    Raises ScheduleNotFound, ScheduleBusy when it must not overlap with its last one, UnknownTaskType,
    PayloadNotValid.
    """
    with rook.transaction() as session:
        row = store.locked(session, name)
        firing = _Firing(rook, session, row, now())
        if reason := firing.overlap():
            raise ScheduleBusy(f"{reason} Wait for it, cancel it, or let the schedule overlap.")
        return firing.submit(None, "")


class _Firing:
    """What is done with one schedule, at one moment, in one transaction."""

    def __init__(self, rook: Rook, session: Session, row: Schedule, moment: datetime) -> None:
        self._rook, self._session, self._row, self._moment = rook, session, row, moment

    def fire(self, due: datetime) -> None:
        """Submit the task of a due time, or say in the history why not."""
        if reason := self.overlap():
            self.skip(due, Outcome.OVERLAPPED, reason)
            return
        late = "It was missed, and is made up for." if is_late(due, self._moment) else ""
        try:
            self.submit(due, late)
        except Invalid as error:
            self.skip(due, Outcome.REFUSED, str(error))

    def overlap(self) -> str:
        """Why it must not fire: its last task has not ended."""
        row = self._row
        if row.overlap == Overlap.ALLOW or row.last_task_id is None:
            return ""
        status = store.status_of_last(self._session, row)
        if status is None or status in ENDED:
            return ""
        return f"Its last task, {row.last_task_id}, is {status}."

    def submit(self, due: datetime | None, reason: str) -> TaskId:
        """Submit its task; with a due time, once."""
        row = self._row
        task_id = submit_task(
            self._rook,
            row.task_type,
            msgspec.json.decode(row.payload),
            priority=row.priority,
            idempotency_key=f"schedule:{row.id}:{due.isoformat()}" if due else None,
            run_at=self._later() if due and row.jitter else None,
            session=self._session,
        )
        row.last_fired_us, row.last_task_id = to_us(self._moment), str(task_id)
        self._remember(due, Outcome.FIRED, reason, str(task_id))
        self._rook.emit(ScheduleFired(row.name, row.id, str(task_id), due.isoformat() if due else None))
        return task_id

    def skip(self, due: datetime, outcome: Outcome, reason: str) -> None:
        """Submit nothing, and say why."""
        self._remember(due, outcome, reason, None)
        self._rook.emit(ScheduleSkipped(self._row.name, self._row.id, due.isoformat(), outcome.value, reason))

    def _later(self) -> datetime:
        return self._moment + timedelta(seconds=random.uniform(0, self._row.jitter))

    def _remember(self, due: datetime | None, outcome: Outcome, reason: str, task_id: str | None) -> None:
        came = FiringInfo(due=due, at=self._moment, outcome=outcome, reason=reason, task_id=task_id)
        store.remember(self._session, self._row.id, came)
