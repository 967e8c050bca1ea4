"""What notifications announce, after the commit. No event holds a URL or secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NotificationChannelCreated:
    """There is a new channel, a webhook or one of Apprise."""

    channel: str
    channel_id: str
    kind: str


@dataclass(frozen=True)
class NotificationChannelUpdated:
    """These parts of a channel were changed."""

    channel: str
    channel_id: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class NotificationChannelDeleted:
    """There was a channel."""

    channel: str
    channel_id: str


@dataclass(frozen=True)
class NotificationChannelRevealed:
    """Somebody has seen the URL and secret of a channel, for this reason."""

    channel: str
    channel_id: str
    reason: str


@dataclass(frozen=True)
class NotificationChannelTested:
    """Somebody had something sent over a channel, to see whether it arrives."""

    channel: str
    channel_id: str
    error: str


@dataclass(frozen=True)
class NotificationRuleCreated:
    """There is a new rule: which kinds of events it tells."""

    rule: str
    rule_id: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class NotificationRuleUpdated:
    """These parts of a rule were changed."""

    rule: str
    rule_id: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class NotificationRuleDeleted:
    """There was a rule."""

    rule: str
    rule_id: str


@dataclass(frozen=True)
class NotificationsDelivered:
    """So many notifications of a rule went out in one message."""

    channel: str
    rule: str
    count: int


@dataclass(frozen=True)
class NotificationsPruned:
    """What was told before a time was forgotten: how many."""

    before: str
    count: int


EVENTS = (
    NotificationChannelCreated,
    NotificationChannelUpdated,
    NotificationChannelDeleted,
    NotificationChannelRevealed,
    NotificationChannelTested,
    NotificationRuleCreated,
    NotificationRuleUpdated,
    NotificationRuleDeleted,
    NotificationsDelivered,
    NotificationsPruned,
)
