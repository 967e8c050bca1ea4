"""What can be wrong with a task.

UnknownTaskType (Invalid)        no function is registered under that name
PayloadNotValid (Invalid)        it does not fit the type's schema
TaskNotFound (NotFound)
TaskConflict (Conflict)          not possible in the status it is in
TaskTimedOut (TemporaryError)    it ran for longer than its time
WorkerLost (FatalError)          the workers that ran it died, one after the other
TaskCancelled                    somebody cancelled it while it ran
LeaseLost                        this attempt is not the current one any more: its result is dropped
WorkerStops                      another worker will go on with it

TaskStopped is no error: it ends a function whose task was cancelled, has run for too long, or goes elsewhere.
"""

from __future__ import annotations

from rookery.base.errors import Conflict, FatalError, Invalid, NotFound, RookeryError, TemporaryError


class UnknownTaskType(Invalid):
    """There is no such type of task."""


class PayloadNotValid(Invalid):
    """The payload does not fit the type of task."""


class TaskNotFound(NotFound):
    """There is no such task: `rookery tasks list` shows those there are."""


class TaskConflict(Conflict):
    """That is not possible in the status the task is in."""


class TaskTimedOut(TemporaryError):
    """It ran for longer than it may, and was ended."""


class WorkerLost(FatalError):
    """Its worker died, several times over: look at what the task does before you requeue it."""


class TaskCancelled(RookeryError):
    """The task was cancelled while it ran."""


class LeaseLost(RookeryError):
    """Another worker has taken the task over; what this one did with it is not recorded."""


class WorkerStops(RookeryError):
    """The worker ends; another will go on with the task."""


class TaskStopped(BaseException):
    """Raised in a task that is to end; why is in its context. Whoever handles errors does not handle this."""
