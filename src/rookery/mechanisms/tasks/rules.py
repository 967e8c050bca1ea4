"""What a task may become, how long it waits before another attempt, and who comes first. Pure.

    pending ──▶ running ──▶ completed
       ▲          │ ├─────▶ failed       given up: requeue it by hand
       │          │ ├─────▶ cancelled
    scheduled     │ └─────▶ retrying ──▶ pending, when its time has come
                  └───────▶ pending      given back, or its worker died

The database holds the same table (a trigger of migration 0007), so that no code can go another way.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated, Any, Final

import msgspec
import orjson
from msgspec import Meta

from rookery.base.errors import FatalError, Invalid, NotAllowed, RookeryError, Unavailable


class TaskStatus(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED})
"""Nothing more happens by itself."""

TRANSITIONS: Final[Mapping[TaskStatus, frozenset[TaskStatus]]] = {
    TaskStatus.SCHEDULED: frozenset({TaskStatus.PENDING, TaskStatus.CANCELLED}),
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.CANCELLED}),
    TaskStatus.RUNNING: frozenset(TaskStatus) - {TaskStatus.SCHEDULED, TaskStatus.RUNNING},
    TaskStatus.RETRYING: frozenset({TaskStatus.PENDING, TaskStatus.CANCELLED}),
    TaskStatus.FAILED: frozenset({TaskStatus.PENDING}),
    TaskStatus.CANCELLED: frozenset({TaskStatus.PENDING}),
    TaskStatus.COMPLETED: frozenset(),
}

SECONDS_PER_PRIORITY: Final = 60
"""A task comes before one of the next better priority once it has waited so much longer: nothing starves."""

MOST_KILLS: Final = 3
"""So many workers may die under one task; then it is held to be what kills them."""


LONGEST_DELAY: Final = 604_800
"""Seconds: no task waits longer for its next attempt, whoever asks for it."""


def rank(priority: int, run_at_us: int) -> int:
    """The place in the queue: the lower, the sooner. Microseconds, in which a priority is worth a minute."""
    return run_at_us + priority * SECONDS_PER_PRIORITY * 1_000_000


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often an attempt that failed is followed by another, and after how long.

    `temporary` are the retries after an error that says it may pass (an Unavailable, such as TemporaryError;
    a ConnectionError, a TimeoutError), `other` those after one that does not say; a FatalError, an Invalid
    and a NotAllowed get none. A group of errors is as its least hopeful one. Before retry n a task waits up
    to `first_delay` * 2**(n-1) seconds, at most `longest_delay`, of which a random share is taken ("full
    jitter": AWS Architecture Blog, 2015); never less than the `retry_after` of the error.
    """

    temporary: Annotated[int, Meta(ge=0, le=100)] = 3
    other: Annotated[int, Meta(ge=0, le=100)] = 1
    first_delay: Annotated[float, Meta(ge=0, le=86_400)] = 5.0
    longest_delay: Annotated[float, Meta(ge=0, le=LONGEST_DELAY)] = 3600.0

    def retries_after(self, error: BaseException) -> int:
        """How many retries an error like this may have."""
        if isinstance(error, BaseExceptionGroup):
            return min(map(self.retries_after, error.exceptions))
        if isinstance(error, FatalError | Invalid | NotAllowed):
            return 0
        if isinstance(error, Unavailable | ConnectionError | TimeoutError):
            return self.temporary
        return self.other

    def delay(self, error: BaseException, failures: int) -> float:
        """Seconds before the next attempt, after so many that failed."""
        longest = min(self.first_delay * 2 ** min(failures - 1, 40), self.longest_delay)
        return max(random.uniform(0, longest), retry_after(error))


def retry_after(error: BaseException) -> float:
    """The seconds that an error asks to wait, as an HTTP server's Retry-After does; 0 if it does not."""
    if isinstance(error, BaseExceptionGroup):
        return max(map(retry_after, error.exceptions))
    wanted = getattr(error, "retry_after", None)
    return float(min(wanted, LONGEST_DELAY)) if isinstance(wanted, int | float) and wanted > 0 else 0.0


def storable(text: str) -> str:
    """A text as both databases take it: no NUL, and no half of a character that has none."""
    return str(text).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class NotJson(RookeryError):
    """Not JSON."""


def encoded(value: Any, what: str, largest: int) -> str:
    """A value as JSON. Raises NotJson when it is not, or takes more bytes than `largest`."""
    try:
        text = orjson.dumps(value, default=_builtins)
    except TypeError as error:
        raise NotJson(f"{what} must be JSON: {error}") from None
    if len(text) > largest:
        raise NotJson(f"{what} takes {len(text):,} bytes as JSON; at most {largest:,} are kept.")
    return text.decode()


def _builtins(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
