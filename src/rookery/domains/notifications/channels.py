"""What people do with channels: keep, change, reveal and forget them; and another key for all of them."""

from __future__ import annotations

import secrets
from typing import Any

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.credentials.events import VaultKeyRotated
from rookery.domains.notifications import rendering, sending, store
from rookery.domains.notifications.document import ChannelInfo, channel_info, decode_terms
from rookery.domains.notifications.errors import ChannelChanged, ChannelInUse, ChannelNotValid
from rookery.domains.notifications.events import (
    NotificationChannelCreated,
    NotificationChannelDeleted,
    NotificationChannelRevealed,
    NotificationChannelUpdated,
)
from rookery.domains.notifications.models import Channel
from rookery.domains.notifications.rules import ChannelKind, check_name
from rookery.domains.notifications.store import Address
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.vault.keys import open_vault

PARTS = ("name", "subject", "text", "is_enabled")
SHORTEST_SECRET = 16


@dual
def list_(rook: Rook, /) -> list[ChannelInfo]:
    """Every channel, by name."""
    with rook.reading() as session:
        return [channel_info(row) for row in store.channel_rows(session)]


@dual
def get(rook: Rook, /, name: str) -> ChannelInfo:
    """The channel of this name, in any case, or with this id. Raises ChannelNotFound."""
    with rook.reading() as session:
        return channel_info(store.channel_row(session, name))


@dual
def create(
    rook: Rook,
    /,
    name: str,
    kind: ChannelKind,
    url: str,
    *,
    secret: str = "",
    subject: str = "",
    text: str = "",
) -> ChannelInfo:
    """Keep a channel: a `webhook`, signed with a secret that is made unless it is given, or one of `apprise`.

    `subject` and `text` are templates of its own. Raises ChannelNotValid, ChannelExists, ConfigError without
    Apprise, VaultKeyUnusable.
    """
    check_name(name, ChannelNotValid)
    address = rook.offload(_checked, kind, Address(url.strip(), secret))
    rook.offload(rendering.check, subject, text)
    vault = rook.offload(open_vault, rook.config)
    id_, moment = new_id(), now_us()
    row = Channel(
        id=id_, name=name, called=name.lower(), kind=kind, sealed=store.sealed(vault, address, id_),
        shown=sending.shown(address.url), subject=subject, text=text, is_enabled=True, revision=1,
        created_us=moment, created_by=rook.actor, updated_us=moment,
    )  # fmt: skip
    with rook.transaction() as session:
        store.add(session, row)
        rook.emit(NotificationChannelCreated(name, id_, kind))
    return channel_info(row)


def _checked(kind: str, address: Address) -> Address:
    """An address that can be sent to; a webhook's has a secret. Raises ChannelNotValid, ConfigError."""
    sending.check(kind, address.url)
    if kind != "webhook":
        return address
    secret = address.secret or secrets.token_urlsafe(32)
    if len(secret) < SHORTEST_SECRET or not secret.isprintable():
        raise ChannelNotValid(f"a webhook's secret has at least {SHORTEST_SECRET} printable characters.")
    return Address(address.url, secret)


@dual
def update(rook: Rook, channel: str, /, *, revision: int | None = None, **parts: Any) -> ChannelInfo:
    """Change what is given of name, url, secret, subject, text, is_enabled.

    With `revision`, only when nobody has changed it since it was that. Raises ChannelNotFound,
    ChannelChanged, and what `create` raises.
    """
    unknown = set(parts) - {*PARTS, "url", "secret"}
    if unknown:
        raise ChannelNotValid(f"A channel has no {', '.join(sorted(unknown))}.")
    seen = get(rook, channel)
    check_name(parts.get("name", seen.name), ChannelNotValid)
    rook.offload(rendering.check, parts.get("subject", ""), parts.get("text", ""))
    address = _another_address(rook, seen.id, parts)
    with rook.transaction() as session:
        row = store.channel_row(session, seen.id, for_update=True)
        if revision is not None and revision != row.revision:
            raise ChannelChanged
        changed = _write(row, parts)
        if address is not None:
            row.sealed, row.shown = address
            changed = (*changed, "url")
        row.called = row.name.lower()
        if changed:
            row.revision, row.updated_us = row.revision + 1, now_us()
            store.flush(session, row)
            rook.emit(NotificationChannelUpdated(row.name, row.id, changed))
        return channel_info(row)


def _write(row: Channel, parts: dict[str, Any]) -> tuple[str, ...]:
    changed = {key: parts[key] for key in PARTS if key in parts and getattr(row, key) != parts[key]}
    for key, value in changed.items():
        setattr(row, key, value)
    return tuple(changed)


def _another_address(rook: Rook, channel_id: str, parts: dict[str, Any]) -> tuple[bytes, str] | None:
    """The sealed address, and as much of it as is shown, when another URL or secret is given."""
    if not ({"url", "secret"} & parts.keys()):
        return None
    kind, before = opened(rook, channel_id)
    wanted = Address(parts.get("url", before.url).strip(), parts.get("secret", before.secret))
    address = rook.offload(_checked, kind, wanted)
    vault = rook.offload(open_vault, rook.config)
    return store.sealed(vault, address, channel_id), sending.shown(address.url)


@dual
def opened(rook: Rook, /, name: str) -> tuple[str, Address]:
    """The kind and address of a channel: for whoever sends, and for nobody to print. Raises SealBroken."""
    vault = rook.offload(open_vault, rook.config)
    with rook.reading() as session:
        row = store.channel_row(session, name)
        return row.kind, store.opened(vault, row)


@dual
def reveal(rook: Rook, /, name: str, reason: str) -> Address:
    """The URL and secret of a channel; that they were seen, by whom and why, is audited first.

    Raises ChannelNotFound, ChannelNotValid without a reason, SealBroken.
    """
    if not reason.strip():
        raise ChannelNotValid("Say why: the reason is kept in the audit log.")
    _, address = opened(rook, name)
    info = get(rook, name)
    rook.emit(NotificationChannelRevealed(info.name, info.id, reason.strip()))
    return address


@dual
def delete(rook: Rook, /, name: str) -> None:
    """Forget a channel, and what waits for it. Raises ChannelNotFound, ChannelInUse."""
    with rook.transaction() as session:
        row = store.channel_row(session, name, for_update=True)
        users = [
            rule.name for rule in store.rule_rows(session) if row.id in decode_terms(rule.terms).channels
        ]
        if users:
            raise ChannelInUse(
                f"{row.name} is used by {', '.join(users)}: change or remove those rules first."
            )
        store.forget(session, Channel, row.id)
        rook.emit(NotificationChannelDeleted(row.name, row.id))


@dual
def reseal(rook: Rook, /) -> int:
    """Seal every channel that another key has sealed with the one in use; how many those were.

    Raises VaultKeyUnusable, SealBroken.
    """
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        rows = [row for row in store.channel_rows(session) if not vault.is_current(row.sealed)]
        for row in rows:
            row.sealed = store.sealed(vault, store.opened(vault, row), row.id)
        if rows:
            rook.emit(VaultKeyRotated("notification channels", len(rows)))
    return len(rows)
