"""An audit entry as programs see it over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import orjson

from rookery.base.clock import from_us, to_us
from rookery.domains.audit.rules import AuditEntry


class Entry(msgspec.Struct, frozen=True):
    """Who did what to which object, and when; `hash` is its place in the chain."""

    position: int | None
    id: str
    at: datetime
    event_type: str
    actor: str
    object: str
    request_id: str
    hash: str | None
    details: dict[str, Any]


def entry_document(entry: AuditEntry) -> Entry:
    """An entry, told."""
    return Entry(
        entry.position, entry.id, from_us(entry.at_us), entry.event_type, entry.actor, entry.object,
        entry.request_id, entry.hash, entry.details,
    )  # fmt: skip


def entry_of(told: Entry) -> AuditEntry:
    """The entry that was told, as it is hashed."""
    details = orjson.dumps(told.details, option=orjson.OPT_SORT_KEYS).decode()
    return AuditEntry(
        told.id, to_us(told.at), told.event_type, told.actor, told.object, told.request_id, details,
        told.position, told.hash,
    )  # fmt: skip
