"""Channels, rules and notifications, as they are stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, exists, func, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rookery.base.redact import register_secret, register_url_secrets
from rookery.base.structs import ready
from rookery.domains.notifications.document import GIVEN_UP
from rookery.domains.notifications.errors import (
    ChannelExists,
    ChannelNotFound,
    RuleExists,
    RuleNotFound,
)
from rookery.domains.notifications.models import Channel, Notification, Rule
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.store.names import Called, by_id
from rookery.mechanisms.tasks.models import Task
from rookery.mechanisms.tasks.rules import ENDED, TaskStatus
from rookery.mechanisms.vault.sealing import Vault

CHANNELS = Called("channel", "rookery notifications channels list", ChannelNotFound)
RULES = Called("rule", "rookery notifications rules list", RuleNotFound)


class Address(msgspec.Struct, frozen=True):
    """Where a channel leads, and what its webhook is signed with: both secret."""

    url: str
    secret: str = ""

    def __repr__(self) -> str:
        return "Address(***)"


_decode_address = msgspec.json.Decoder(ready(Address)).decode


def sealed(vault: Vault, address: Address, channel_id: str) -> bytes:
    """An address as it is stored."""
    return vault.seal(msgspec.json.encode(address), _place(channel_id))


def opened(vault: Vault, row: Channel) -> Address:
    """The address of a channel, which from now on appears in no log and no error. Raises SealBroken."""
    address = _decode_address(vault.open(row.sealed, _place(row.id)))
    for secret in (address.url, address.secret):
        register_secret(secret)
    register_url_secrets(address.url)
    return address


def _place(channel_id: str) -> str:
    return f"notification channel {channel_id}"


def channel_rows(session: Session) -> Sequence[Channel]:
    """All channels, by name."""
    return session.scalars(select(Channel).order_by(Channel.called)).all()


def channel_row(session: Session, name: str, *, for_update: bool = False) -> Channel:
    """A channel by its name in any case, or its id. Raises ChannelNotFound."""
    query = select(Channel).where(Channel.called == name.lower())
    row = session.scalar(query.with_for_update() if for_update else query)
    return by_id(session, Channel, name, CHANNELS) if row is None else row


def rule_rows(session: Session) -> Sequence[Rule]:
    """All rules, by name."""
    return session.scalars(select(Rule).order_by(Rule.called)).all()


def rule_row(session: Session, name: str, *, for_update: bool = False) -> Rule:
    """A rule by its name in any case, or its id. Raises RuleNotFound."""
    query = select(Rule).where(Rule.called == name.lower())
    row = session.scalar(query.with_for_update() if for_update else query)
    return by_id(session, Rule, name, RULES) if row is None else row


def add(session: Session, row: Channel | Rule) -> None:
    """Store a new channel or rule. Raises ChannelExists, RuleExists."""
    session.add(row)
    flush(session, row)


def flush(session: Session, row: Channel | Rule) -> None:
    """Write a channel or rule whose name may be another's. Raises ChannelExists, RuleExists."""
    name, is_channel = row.name, isinstance(row, Channel)
    try:
        session.flush()
    except IntegrityError:
        if is_channel:
            raise ChannelExists(f"There is a channel {name} already.") from None
        raise RuleExists(f"There is a rule {name} already.") from None


def names(session: Session) -> dict[str, str]:
    """The names of channels and rules by their ids."""
    every = union_all(select(Channel.id, Channel.name), select(Rule.id, Rule.name))
    return {row.id: row.name for row in session.execute(every)}


def in_force(session: Session) -> list[Rule]:
    """The rules that are enabled."""
    return list(session.scalars(select(Rule).where(Rule.is_enabled)))


def enabled_channels(session: Session) -> set[str]:
    """The ids of the channels that are enabled."""
    return set(session.scalars(select(Channel.id).where(Channel.is_enabled)))


def forget(session: Session, kind: type[Channel | Rule], id_: str) -> None:
    """Delete a channel or rule, and what is still to be told for it."""
    column = Notification.channel_id if kind is Channel else Notification.rule_id
    session.execute(delete(Notification).where(column == id_, Notification.sent_us.is_(None)))
    session.execute(delete(kind).where(kind.id == id_))


def waiting_same(
    session: Session, rule_id: str, channel_id: str, kind: str, subject: str
) -> Notification | None:
    """What waits to tell the same, and nobody has begun to; it is locked. It does wait: its task has neither
    failed nor been cancelled."""
    wanted = _same(rule_id, channel_id, kind, subject).where(
        Notification.sent_us.is_(None), Notification.is_claimed.is_(False), ~_has_task(GIVEN_UP)
    )
    return session.scalars(wanted.order_by(Notification.id).limit(1).with_for_update()).one_or_none()


def last_sent_us(session: Session, rule_id: str, channel_id: str, kind: str, subject: str) -> int | None:
    """When the same was told the last time."""
    same = _same(rule_id, channel_id, kind, subject).subquery()
    sent: int | None = session.scalar(select(func.max(same.c.sent_us)))
    return sent


def _same(rule_id: str, channel_id: str, kind: str, subject: str) -> Any:
    return select(Notification).where(
        Notification.rule_id == rule_id,
        Notification.channel_id == channel_id,
        Notification.kind == kind,
        Notification.subject == subject,
    )


def claim(session: Session, task_id: str) -> list[Notification]:
    """What a task is to deliver and has not yet, oldest first: from now on it is as it is."""
    wanted = select(Notification).where(Notification.task_id == task_id, Notification.sent_us.is_(None))
    rows = list(session.scalars(wanted.order_by(Notification.id).with_for_update()))
    for row in rows:
        row.is_claimed = True
    return rows


def mark_sent(session: Session, ids: Collection[str], now_us: int) -> None:
    """They have arrived."""
    session.execute(_these(ids).values(sent_us=now_us, attempts=Notification.attempts + 1, error=""))


def mark_failed(session: Session, ids: Collection[str], error: str) -> None:
    """They have not arrived, this time."""
    session.execute(_these(ids).values(attempts=Notification.attempts + 1, error=error))


def _these(ids: Collection[str]) -> Any:
    return update(Notification).where(Notification.id.in_(ids))


@dual_read
def history(
    session: Session,
    /,
    *,
    channel_id: str | None = None,
    rule_id: str | None = None,
    limit: int = 100,
    before: str | None = None,
) -> list[tuple[Notification, str | None]]:
    """What was and is to be told, newest first, each with where its task stands."""
    wanted = select(Notification, Task.status).outerjoin(Task, Task.id == Notification.task_id)
    if channel_id is not None:
        wanted = wanted.where(Notification.channel_id == channel_id)
    if rule_id is not None:
        wanted = wanted.where(Notification.rule_id == rule_id)
    if before is not None:
        wanted = wanted.where(Notification.id < before)
    return [
        (row, status) for row, status in session.execute(wanted.order_by(Notification.id.desc()).limit(limit))
    ]


def stranded(session: Session, after_us: int, before_us: int) -> list[Notification]:
    """What was due in this time, and its task is gone, or has ended without it; it is locked."""
    wanted = select(Notification).where(
        Notification.rule_id.is_not(None),
        Notification.sent_us.is_(None),
        Notification.is_claimed.is_(False),
        Notification.due_us.between(after_us, before_us),
        ~_has_task(frozenset(TaskStatus) - {TaskStatus.COMPLETED}),
    )
    return list(session.scalars(wanted.order_by(Notification.id).with_for_update()))


@dual
def prune(session: Session, /, before_us: int) -> int:
    """Forget what was born before a time, and does not wait for anything any more; how many those were."""
    waits = _has_task(frozenset(TaskStatus) - ENDED)
    gone = delete(Notification).where(Notification.born_us < before_us, ~waits).returning(Notification.id)
    return len(session.scalars(gone).all())


def _has_task(statuses: Collection[str]) -> Any:
    return exists().where(Task.id == Notification.task_id, Task.status.in_(sorted(statuses)))
