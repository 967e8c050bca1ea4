"""What can be wrong with a schedule.

BadSchedule (Invalid)         a name, interval or policy is not as it must be; the message says what would be
├── BadCronLine               names the field
└── UnknownZone               names the nearest one
ScheduleNotFound (NotFound)
ScheduleExists (Conflict)
ScheduleBusy (Conflict)       its last task has not ended
"""

from __future__ import annotations

from rookery.base.errors import Conflict, Invalid, NotFound


class BadSchedule(Invalid):
    """That is no schedule."""


class BadCronLine(BadSchedule):
    """A cron line has five fields: minute, hour, day of the month, month, day of the week."""


class UnknownZone(BadSchedule):
    """There is no such time zone: give one of the IANA names, such as Europe/Berlin."""


class ScheduleNotFound(NotFound):
    """There is no such schedule: `rookery schedules list` shows those there are."""


class ScheduleExists(Conflict):
    """There is a schedule of that name already."""


class ScheduleBusy(Conflict):
    """Its last task has not ended: wait for it, cancel it, or let the schedule overlap."""
