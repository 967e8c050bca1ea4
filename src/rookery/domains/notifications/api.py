"""The routes of notifications: over which channels, by which rules, and what became of each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from rookery.domains.notifications.document import ChannelInfo, NotificationInfo, RuleInfo
from rookery.domains.notifications.rules import ChannelKind, Quiet, Word
from rookery.domains.notifications.store import Address
from rookery.faces.api.routing import (
    After,
    Changes,
    Limit,
    Page,
    Reason,
    Revision,
    Router,
    page_of,
    place_of,
)

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("notifications")


class NewChannel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where messages go: a URL of Apprise, or a webhook, which is signed with `secret`. Both are kept sealed.

    `subject` and `text` are templates of Jinja; those of Rookery where they are empty.
    """

    name: str
    kind: ChannelKind
    url: str
    secret: str = ""
    subject: str = ""
    text: str = ""

    def __repr__(self) -> str:
        return f"NewChannel({self.name!r}, ***)"


class ChannelParts(msgspec.Struct, frozen=True, kw_only=True):
    """What may be changed of a channel."""

    name: str
    url: str
    secret: str
    subject: str
    text: str
    is_enabled: bool


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told: these kinds of events, at least so bad, of subjects that match a pattern.

    With `digest`, one message every so many seconds. The same of the same subject within `collapse` seconds
    is one notification, with a count.
    """

    name: str
    kinds: tuple[str, ...]
    channels: tuple[str, ...]
    severity: Word = "info"
    subjects: tuple[str, ...] = ()
    quiet: Quiet | None = None
    digest: int = 0
    collapse: int = 600


class RuleParts(NewRule, frozen=True, kw_only=True):
    """What may be changed of a rule."""

    is_enabled: bool = True


@api.get("/notifications", "notifications:read")
async def list_notifications(
    rook: AsyncRook, /, channel: str | None = None, rule: str | None = None, limit: Limit = 50,
    after: After = "",
) -> Page[NotificationInfo]:  # fmt: skip
    """List what was told, and what is to be, newest first."""
    before = place_of(after, str) if after else None
    found = await rook.notifications.history(channel=channel, rule=rule, limit=limit + 1, before=before)
    return page_of(found, limit, lambda each: each.id)


@api.get("/notifications/channels", "notifications:read")
async def list_channels(rook: AsyncRook, /) -> Page[ChannelInfo]:
    """List channels by name; of their addresses what is no secret."""
    return Page(await rook.notifications.list_channels())


@api.post("/notifications/channels", "notifications:write")
async def create_channel(rook: AsyncRook, /, channel: NewChannel) -> ChannelInfo:
    """Have messages go somewhere."""
    return await rook.notifications.create_channel(**msgspec.structs.asdict(channel))


@api.get("/notifications/channels/{channel}", "notifications:read")
async def get_channel(rook: AsyncRook, /, channel: str) -> ChannelInfo:
    """One channel, by its name or id."""
    return await rook.notifications.get_channel(channel)


@api.patch("/notifications/channels/{channel}", "notifications:write")
async def update_channel(
    rook: AsyncRook, /, channel: str, changes: Annotated[dict[str, Any], Changes(ChannelParts)],
    revision: Revision,
) -> ChannelInfo:  # fmt: skip
    """Change parts of a channel."""
    return await rook.notifications.update_channel(channel, revision=revision, **changes)


@api.delete("/notifications/channels/{channel}", "notifications:write")
async def delete_channel(rook: AsyncRook, /, channel: str) -> None:
    """Forget a channel that no rule uses."""
    await rook.notifications.delete_channel(channel)


@api.post("/notifications/channels/{channel}/test", "notifications:write", HTTPStatus.NO_CONTENT)
async def test_channel(rook: AsyncRook, /, channel: str) -> None:
    """Send a message over a channel, now; what is wrong with it is answered."""
    await rook.notifications.test(channel)


@api.post("/notifications/channels/{channel}/reveal", "notifications:reveal", HTTPStatus.OK)
async def reveal_channel(rook: AsyncRook, /, channel: str, sent: Reason) -> Address:
    """Tell the address and the secret of a channel, to whoever says why."""
    return await rook.notifications.reveal_channel(channel, sent.reason)


@api.get("/notifications/rules", "notifications:read")
async def list_rules(rook: AsyncRook, /) -> Page[RuleInfo]:
    """List rules by name."""
    return Page(await rook.notifications.list_rules())


@api.post("/notifications/rules", "notifications:write")
async def create_rule(rook: AsyncRook, /, rule: NewRule) -> RuleInfo:
    """Have events told."""
    return await rook.notifications.create_rule(**msgspec.structs.asdict(rule))


@api.get("/notifications/rules/{rule}", "notifications:read")
async def get_rule(rook: AsyncRook, /, rule: str) -> RuleInfo:
    """One rule, by its name or id."""
    return await rook.notifications.get_rule(rule)


@api.patch("/notifications/rules/{rule}", "notifications:write")
async def update_rule(
    rook: AsyncRook, /, rule: str, changes: Annotated[dict[str, Any], Changes(RuleParts)], revision: Revision
) -> RuleInfo:
    """Change parts of a rule."""
    return await rook.notifications.update_rule(rule, revision=revision, **changes)


@api.delete("/notifications/rules/{rule}", "notifications:write")
async def delete_rule(rook: AsyncRook, /, rule: str) -> None:
    """Have that told no more."""
    await rook.notifications.delete_rule(rule)
