"""What a schedule is made of, beside its name: decoded from its row, checked, and encoded into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from rookery.base.structs import ready
from rookery.domains.schedules.errors import BadSchedule
from rookery.domains.schedules.rules import Missed, Overlap, check_manners
from rookery.domains.schedules.timing import Timing

if TYPE_CHECKING:
    from rookery.domains.schedules.models import Schedule
    from rookery.mechanisms.tasks.registry import TaskTypes


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """When a schedule is due, what it submits then, and with what manners; `jitter` is in seconds."""

    timing: Timing
    task_type: str
    payload: Any
    priority: int = 5
    jitter: int = 0
    missed: Missed = Missed.ONCE
    overlap: Overlap = Overlap.SKIP


def terms_of(row: Schedule) -> Terms:
    """The terms of a stored schedule."""
    return Terms(
        timing=timing_of(row),
        task_type=row.task_type,
        payload=msgspec.json.decode(row.payload),
        priority=row.priority,
        jitter=row.jitter,
        missed=Missed(row.missed),
        overlap=Overlap(row.overlap),
    )


def timing_of(row: Schedule) -> Timing:
    """When a stored schedule is due."""
    timing: Timing = msgspec.json.decode(row.timing, type=ready(Timing))
    return timing


def valid(terms: Terms, types: TaskTypes) -> Terms:
    """The same, once it is known to fit. Raises BadSchedule, UnknownTaskType, PayloadNotValid.

    Whether the timing is ever due is another question: `started` of `timing` answers it.
    """
    text, _ = types[terms.task_type].check({} if terms.payload is None else terms.payload)
    fitting = _typed(replace(terms, payload=msgspec.json.decode(text)))
    check_manners(fitting.jitter, fitting.missed, fitting.overlap)
    if not 0 <= fitting.priority <= 9:
        raise BadSchedule(f"A priority goes from 0 (first) to 9, not {fitting.priority}.")
    return fitting


def _typed(terms: Terms) -> Terms:
    """What is made in Python has not been looked at yet."""
    try:
        return msgspec.convert(msgspec.to_builtins(terms), ready(Terms))
    except (msgspec.ValidationError, TypeError) as error:
        raise BadSchedule(f"That is no schedule: {error}.") from None


def columns(terms: Terms) -> dict[str, Any]:
    """The terms as they are stored."""
    text = {name: msgspec.json.encode(getattr(terms, name)).decode() for name in ("timing", "payload")}
    return {**msgspec.to_builtins(terms), **text}
