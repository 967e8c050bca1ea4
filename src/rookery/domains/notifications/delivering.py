"""Delivering: a task claims what is due, sends it as one message, and notes that it has arrived.

Killed before it has noted that, it sends again: a message may come twice, and is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now, now_us, to_us
from rookery.base.errors import RookeryError
from rookery.base.ids import new_id
from rookery.domains.findings.rules import Severity
from rookery.domains.notifications import channels, rendering, ruling, sending, store
from rookery.domains.notifications.differences import difference
from rookery.domains.notifications.document import (
    ChannelInfo,
    NotificationInfo,
    RuleInfo,
    decode_occurrence,
    notification_info,
)
from rookery.domains.notifications.errors import ChannelNotFound, ChannelRefused, RuleNotFound
from rookery.domains.notifications.events import (
    NotificationChannelTested,
    NotificationsDelivered,
    NotificationsPruned,
)
from rookery.domains.notifications.hearing import submit
from rookery.domains.notifications.models import Notification
from rookery.domains.notifications.rules import Occurrence, quiet_until
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.context import TaskContext

STRANDED_AFTER = timedelta(minutes=1)
STRANDED_UNTIL = timedelta(days=1)
"""When it is looked for what was due and has no task: what joined a digest that was just going out."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What is due over a channel, for a rule; both by their ids."""

    rule: str
    channel: str


def deliver(rook: Rook, context: TaskContext, wanted: Delivery) -> dict[str, int]:
    """Send what is due. Raises ChannelFailed, ChannelRefused, ConfigError, SealBroken."""
    try:
        rule, channel = ruling.get(rook, wanted.rule), channels.get(rook, wanted.channel)
    except (RuleNotFound, ChannelNotFound):  # with which went what it was to deliver
        return {"sent": 0}
    rows = _claimed(rook, rule, context.task_id)
    if rows:
        context.report(0, len(rows), f"to {channel.name}")
        _send(rook, rule, channel, rows)
    return {"sent": len(rows)}


def _claimed(rook: Rook, rule: RuleInfo, task_id: str) -> list[Notification]:
    """What is to be sent now; in quiet hours the rest is put off until they end."""
    until = quiet_until(rule.quiet, now())
    with rook.transaction() as session:
        rows = store.claim(session, task_id)
        if until is None or rule.quiet is None:
            return rows
        urgent = [row for row in rows if rule.quiet.breaks and row.severity >= Severity.CRITICAL]
        _put_off(rook, session, [row for row in rows if row not in urgent], to_us(until))
    return urgent


def _put_off(rook: Rook, session: Session, rows: Sequence[Notification], due: int) -> None:
    for row in rows:
        way = (row.rule_id or "", row.channel_id)
        row.is_claimed, row.due_us = False, due
        row.task_id = submit(rook, session, way, due)


def _send(rook: Rook, rule: RuleInfo, channel: ChannelInfo, rows: Sequence[Notification]) -> None:
    ids = [row.id for row in rows]
    try:
        message = rendering.message(
            [_item(rook, row) for row in rows], subject=channel.subject, text=channel.text,
            base_url=rook.current_config().notifications.base_url,
        )  # fmt: skip
        _sent(rook, channel, message, ids[0])
    except RookeryError as error:
        with rook.transaction() as session:
            store.mark_failed(session, ids, str(error))
        raise
    with rook.transaction() as session:
        store.mark_sent(session, ids, now_us())
        rook.emit(NotificationsDelivered(channel.name, rule.name, len(ids)))


def _item(rook: Rook, row: Notification) -> rendering.Item:
    occurrence = decode_occurrence(row.occurrence)
    has_versions = "old_version" in occurrence.details
    return rendering.item(
        row.id, occurrence, row.count, difference(rook, occurrence.details) if has_versions else ""
    )


def _sent(rook: Rook, channel: ChannelInfo, message: rendering.Message, delivery: str) -> None:
    if not channel.is_enabled:
        raise ChannelRefused(f"{channel.name} is disabled.")
    kind, address = channels.opened(rook, channel.id)
    sending.send(rook, kind, address, message, delivery)


@dual
def test(rook: Rook, /, channel: str) -> None:
    """Send a test over a channel now, enabled or not; it is in the history.

    Raises ChannelNotFound, ChannelFailed, ChannelRefused, ConfigError without Apprise, SealBroken.
    """
    info, id_ = channels.get(rook, channel), new_id()
    occurrence = Occurrence(
        kind="test", subject=info.name, severity="info", title="A test of Rookery",
        text=rendering.SAMPLE.text, at_us=now_us(),
    )  # fmt: skip
    message = rendering.message(
        [rendering.item(id_, occurrence, 1)], subject=info.subject, text=info.text,
        base_url=rook.current_config().notifications.base_url,
    )  # fmt: skip
    try:
        _sent(rook, msgspec.structs.replace(info, is_enabled=True), message, id_)
    except RookeryError as error:
        _note_test(rook, info, id_, occurrence, str(error))
        raise
    _note_test(rook, info, id_, occurrence, "")


def _note_test(rook: Rook, channel: ChannelInfo, id_: str, occurrence: Occurrence, error: str) -> None:
    moment = now_us()
    row = Notification(
        id=id_, rule_id=None, channel_id=channel.id, kind="test", subject=channel.name,
        severity=Severity.INFO, occurrence=msgspec.json.encode(occurrence).decode(), count=1,
        born_us=occurrence.at_us, due_us=occurrence.at_us, task_id=None, is_claimed=False, attempts=1,
        sent_us=None if error else moment, error=error,
    )  # fmt: skip
    with rook.transaction() as session:
        session.add(row)
        rook.emit(NotificationChannelTested(channel.name, channel.id, error))


@dual
def history(
    rook: Rook,
    /,
    *,
    channel: str | None = None,
    rule: str | None = None,
    limit: int = 100,
    before: str | None = None,
) -> list[NotificationInfo]:
    """What was told and is to be, newest first; for the next page pass the last id as `before`.

    Raises ChannelNotFound, RuleNotFound.
    """
    with rook.reading() as session:
        channel_id = None if channel is None else store.channel_row(session, channel).id
        rule_id = None if rule is None else store.rule_row(session, rule).id
        found = store.history(session, channel_id=channel_id, rule_id=rule_id, limit=limit, before=before)
        names = store.names(session)
        return [notification_info(row, status, names) for row, status in found]


def look_after(rook: Rook) -> None:
    """A chore: submit what is due and has no task; forget what was told long ago."""
    moment = now()
    window = to_us(moment - STRANDED_UNTIL), to_us(moment - STRANDED_AFTER)
    with rook.transaction() as session:
        _put_off(rook, session, store.stranded(session, *window), to_us(moment))
    days = rook.current_config().notifications.keep_days
    if days:
        prune(rook, to_us(moment - timedelta(days=days)))


@dual
def prune(rook: Rook, /, before_us: int) -> int:
    """Forget what was told, or has failed, before a time; how many those were."""
    with rook.transaction() as session:
        count = store.prune(session, before_us)
        if count:
            rook.emit(NotificationsPruned(from_us(before_us).isoformat(timespec="seconds"), count))
    return count
