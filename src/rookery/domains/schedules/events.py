"""What schedules announce, after the commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScheduleCreated:
    """There is a new schedule: when it is due, in words, and the type of the tasks that it submits."""

    schedule: str
    schedule_id: str
    when: str
    task_type: str


@dataclass(frozen=True)
class ScheduleUpdated:
    """These parts of a schedule were changed."""

    schedule: str
    schedule_id: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class ScheduleEnabled:
    """A schedule fires from now on."""

    schedule: str
    schedule_id: str


@dataclass(frozen=True)
class ScheduleDisabled:
    """A schedule does not fire any more."""

    schedule: str
    schedule_id: str


@dataclass(frozen=True)
class ScheduleDeleted:
    """There was a schedule."""

    schedule: str
    schedule_id: str


@dataclass(frozen=True)
class ScheduleFired:
    """A schedule has submitted a task; `due` is None when a person asked for it."""

    schedule: str
    schedule_id: str
    task_id: str
    due: str | None


@dataclass(frozen=True)
class ScheduleSkipped:
    """A schedule was due, and has submitted nothing: `outcome` is missed, overlapped or refused."""

    schedule: str
    schedule_id: str
    due: str
    outcome: str
    reason: str


EVENTS = (
    ScheduleCreated,
    ScheduleUpdated,
    ScheduleEnabled,
    ScheduleDisabled,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleSkipped,
)
