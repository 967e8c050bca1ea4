"""What follows from an event, in its own transaction: what is to be told, and the task that delivers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now_us
from rookery.base.ids import new_id
from rookery.domains.notifications import store
from rookery.domains.notifications.document import decode_occurrence, decode_terms
from rookery.domains.notifications.models import Notification
from rookery.domains.notifications.occurrences import DELIVER, HEARD, occurrences
from rookery.domains.notifications.rules import Occurrence, Terms, due_us, merged, narrowed
from rookery.mechanisms.rook import Follower, Rook
from rookery.mechanisms.tasks.service import submit_task

PRIORITY = 4
"""Before most of the work, which somebody may have to be told of."""


def followers(events: Iterable[type]) -> Mapping[type, tuple[Follower]]:
    """For those of these types of events that may be told, who hears of them."""
    return {event: (hear,) for event in events if event.__name__ in HEARD}


def hear(rook: Rook, session: Session, event: Any) -> None:
    """Keep what the rules want told of an event."""
    found = occurrences(event)
    if not found:
        return
    rules = [(row.id, decode_terms(row.terms)) for row in store.in_force(session)]
    wanted = [(id_, terms, each) for id_, terms in rules for each in found if terms.wants(each)]
    channels = store.enabled_channels(session) if wanted else set()
    for rule_id, terms, occurrence in wanted:
        told = narrowed(occurrence, terms.severity)
        for channel_id in channels.intersection(terms.channels):
            _keep(rook, session, (rule_id, channel_id), terms, told)


def _keep(rook: Rook, session: Session, way: tuple[str, str], terms: Terms, occurrence: Occurrence) -> None:
    """Collapse it into what waits to tell the same, or have it delivered when it is due."""
    now, last = now_us(), None
    if terms.collapse:
        waiting = store.waiting_same(session, *way, occurrence.kind, occurrence.subject)
        if waiting is not None:
            _collapse(waiting, occurrence)
            return
        last = store.last_sent_us(session, *way, occurrence.kind, occurrence.subject)
    due = due_us(terms, now, last)
    task_id = submit(rook, session, way, due)
    rule_id, channel_id = way
    session.add(
        Notification(
            id=new_id(), rule_id=rule_id, channel_id=channel_id, kind=occurrence.kind,
            subject=occurrence.subject, severity=occurrence.rank, occurrence=_encoded(occurrence), count=1,
            born_us=now, due_us=due, task_id=task_id, is_claimed=False, attempts=0, sent_us=None, error="",
        )
    )  # fmt: skip
    session.flush()


def _collapse(waiting: Notification, occurrence: Occurrence) -> None:
    both = merged(decode_occurrence(waiting.occurrence), occurrence)
    waiting.occurrence, waiting.count = _encoded(both), waiting.count + 1
    waiting.severity = max(waiting.severity, both.rank)


def submit(rook: Rook, session: Session, way: tuple[str, str], due: int) -> str:
    """The task that delivers what is due then, of a rule over a channel: one, whatever that comes to be."""
    rule_id, channel_id = way
    payload, key = {"rule": rule_id, "channel": channel_id}, f"{rule_id} {channel_id} {due}"
    run_at = from_us(due) if due > now_us() else None
    return str(
        submit_task(
            rook, DELIVER, payload, priority=PRIORITY, idempotency_key=key, run_at=run_at, session=session
        )
    )


def _encoded(occurrence: Occurrence) -> str:
    return msgspec.json.encode(occurrence).decode()
