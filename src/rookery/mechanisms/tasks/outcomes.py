"""What became of an attempt, and what the task becomes by it. Pure."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

import msgspec

from rookery.base.errors import RookeryError
from rookery.base.redact import redact_text
from rookery.mechanisms.tasks.claiming import Claimed
from rookery.mechanisms.tasks.errors import LeaseLost, TaskCancelled, WorkerStops
from rookery.mechanisms.tasks.rules import NotJson, RetryPolicy, TaskStatus, encoded, storable

LARGEST_RESULT = 256 << 10
LONGEST_TRACEBACK = 16 << 10
LONGEST_SAID = 2_000
MOST_READ = 128 << 10
"""Characters of an error that are looked at; one may carry all that a device has sent."""


class TaskFailure(msgspec.Struct, frozen=True):
    """Why an attempt failed: the error's class, code and message; the traceback is for operators."""

    error: str
    message: str
    code: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `delay` is in seconds, for one that is to be retried."""

    task: Claimed
    status: TaskStatus
    result: str | None = None
    failure: TaskFailure | None = None
    delay: float = 0.0

    @property
    def word(self) -> str:
        """How the attempt ended, where that is not how the task did."""
        return "given back" if self.status is TaskStatus.PENDING else self.status.value


def completed(task: Claimed, result: Any) -> Outcome:
    """It returned; a result that is no JSON, or too large, is a failure that no retry mends."""
    if result is None:
        return Outcome(task, TaskStatus.COMPLETED)
    try:
        return Outcome(task, TaskStatus.COMPLETED, encoded(result, "the result of a task", LARGEST_RESULT))
    except NotJson as error:
        return Outcome(task, TaskStatus.FAILED, failure=failure_of(error))


def failed(task: Claimed, error: BaseException, policy: RetryPolicy) -> Outcome:
    """It raised: it is retried after a while, or failed for good."""
    failure = failure_of(error)
    if task.failures >= policy.retries_after(error):
        return Outcome(task, TaskStatus.FAILED, failure=failure)
    return Outcome(task, TaskStatus.RETRYING, failure=failure, delay=policy.delay(error, task.failures + 1))


def stopped(task: Claimed, reason: BaseException, policy: RetryPolicy) -> Outcome:
    """It was told to stop, and did: it is cancelled, given back, or has failed for that reason."""
    if isinstance(reason, TaskCancelled):
        return cancelled(task, reason)
    if isinstance(reason, WorkerStops | LeaseLost):
        return given_back(task)
    return failed(task, reason, policy)


def cancelled(task: Claimed, reason: BaseException) -> Outcome:
    """Somebody did not want it any more."""
    return Outcome(task, TaskStatus.CANCELLED, failure=failure_of(reason))


def given_back(task: Claimed) -> Outcome:
    """Its worker ends before it has, or has not come to it: another goes on."""
    return Outcome(task, TaskStatus.PENDING)


def failure_of(error: BaseException) -> TaskFailure:
    """What is kept of an error; secrets in it are masked. Raises nothing, whatever the error does."""
    return TaskFailure(
        error=type(error).__name__,
        message=said(error),
        code=error.code if isinstance(error, RookeryError) else "",
        traceback=_where(error),
    )


def said(error: BaseException) -> str:
    """What an error says: bounded, without secrets; its name when it says nothing, or cannot."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  an error's __str__ may do anything
        text = ""
    return redact_text(storable(text[:MOST_READ]))[:LONGEST_SAID] or type(error).__name__


def _where(error: BaseException) -> str:
    try:
        lines = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001
        return ""
    return redact_text(storable(lines[-MOST_READ:]))[-LONGEST_TRACEBACK:]
