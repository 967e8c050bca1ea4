"""Channels, rules and history as programs see them; times are UTC, and nothing of it is secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from rookery.base.clock import from_us
from rookery.base.structs import ready
from rookery.domains.findings.rules import Severity
from rookery.domains.notifications.models import Channel, Notification, Rule
from rookery.domains.notifications.rules import ChannelKind, Occurrence, Quiet, Terms, Word
from rookery.mechanisms.tasks.rules import TaskStatus

decode_terms = msgspec.json.Decoder(ready(Terms)).decode
decode_occurrence = msgspec.json.Decoder(ready(Occurrence)).decode

GIVEN_UP = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})
"""Where a task stands that delivers nothing any more, unless a person has it done again."""


class ChannelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A channel. `url` is as much of its URL as is no secret; empty templates are those of Rookery."""

    id: str
    name: str
    kind: ChannelKind
    url: str
    subject: str
    text: str
    is_enabled: bool
    revision: int
    created: datetime
    created_by: str
    updated: datetime


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A rule; its channels by their names, `digest` and `collapse` in seconds."""

    id: str
    name: str
    kinds: tuple[str, ...]
    channels: tuple[str, ...]
    severity: Word
    subjects: tuple[str, ...]
    quiet: Quiet | None
    digest: int
    collapse: int
    is_enabled: bool
    revision: int
    created: datetime
    created_by: str
    updated: datetime


class NotificationInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is told over one channel: where it stands, how often it happened, and why it failed.

    `rule` is None for a test; rule and channel are their ids where they are no more.
    """

    id: str
    status: Literal["waiting", "sent", "failed"]
    rule: str | None
    channel: str
    kind: str
    subject: str
    severity: str
    title: str
    count: int
    born: datetime
    due: datetime
    sent: datetime | None
    attempts: int
    error: str
    task_id: str | None


def channel_info(row: Channel) -> ChannelInfo:
    """A channel from its row."""
    return ChannelInfo(
        id=row.id, name=row.name, kind=row.kind, url=row.shown, subject=row.subject, text=row.text,  # type: ignore[arg-type]
        is_enabled=row.is_enabled, **_life(row),
    )  # fmt: skip


def rule_info(row: Rule, names: dict[str, str]) -> RuleInfo:
    """A rule from its row, and the names of channels by their ids."""
    terms: dict[str, Any] = msgspec.structs.asdict(decode_terms(row.terms))
    ids: tuple[str, ...] = terms.pop("channels")
    channels = tuple(names.get(each, each) for each in ids)
    return RuleInfo(
        id=row.id, name=row.name, channels=channels, is_enabled=row.is_enabled, **_life(row), **terms
    )


def _life(row: Channel | Rule) -> dict[str, Any]:
    return {
        "revision": row.revision,
        "created": from_us(row.created_us),
        "created_by": row.created_by,
        "updated": from_us(row.updated_us),
    }


def notification_info(row: Notification, status: str | None, names: dict[str, str]) -> NotificationInfo:
    """A notification from its row, where its task stands, and the names of rules and channels."""
    return NotificationInfo(
        id=row.id,
        status=_status(row, status),
        rule=None if row.rule_id is None else names.get(row.rule_id, row.rule_id),
        channel=names.get(row.channel_id, row.channel_id),
        kind=row.kind,
        subject=row.subject,
        severity=Severity(row.severity).word,
        title=decode_occurrence(row.occurrence).title,
        count=row.count,
        born=from_us(row.born_us),
        due=from_us(row.due_us),
        sent=None if row.sent_us is None else from_us(row.sent_us),
        attempts=row.attempts,
        error=row.error,
        task_id=row.task_id,
    )


def _status(row: Notification, status: str | None) -> Literal["waiting", "sent", "failed"]:
    if row.sent_us is not None:
        return "sent"
    is_over = status in GIVEN_UP or (row.task_id is None and row.error != "")
    return "failed" if is_over else "waiting"
