"""The routes of the audit log: it is read and verified, never written."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Header, Query
from starlette.responses import StreamingResponse

from rookery.domains.audit.document import Entry, entry_document
from rookery.domains.audit.verdict import Verification
from rookery.faces.api.feeds import STILL_HERE, Feeds, Watch, event, stream
from rookery.faces.api.routing import After, Count, Limit, Page, Router, counted, page_of, place_of

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("audit")

NEWEST = "newest"
Words = Annotated[str, Query(max_length=1_000)]
Moment = Annotated[datetime | None, Query(description="RFC 3339, with its offset.")]


class Verdict(msgspec.Struct, frozen=True):
    """Whether the log is what was written, and what is wrong with it where it is not."""

    is_intact: bool
    found: Verification


@api.get("/audit", "audit:read")
async def list_audit_entries(
    rook: AsyncRook, /, event_type: Words = "", actor: Words = "",
    object_: Annotated[str, Query(alias="object", max_length=1_000)] = "",
    since: Moment = None, until: Moment = None, limit: Limit = 50, after: After = "",
    count: Count = None,
) -> Page[Entry]:  # fmt: skip
    """List what was done, newest first."""
    before = place_of(after, int) if after else None
    given = {"event_type": event_type, "actor": actor, "object": object_, "since": since, "until": until}
    wanted: Any = {name: value for name, value in given.items() if value}
    found = await rook.audit.list(fresh=not after, limit=limit + 1, before=before, **wanted)
    page = page_of([entry_document(entry) for entry in found], limit, lambda entry: entry.position)
    return await counted(page, count, partial(rook.audit.count, **wanted))


@api.get("/audit/{entry_id}", "audit:read")
async def get_audit_entry(rook: AsyncRook, /, entry_id: str) -> Entry:
    """One entry."""
    return entry_document(await rook.audit.get(entry_id, fresh=True))


@api.post("/audit/verify", "audit:read", HTTPStatus.OK)
async def verify_audit_log(rook: AsyncRook, /) -> Verdict:
    """Whether the stored log is exactly what was written."""
    found = await rook.audit.verify()
    return Verdict(found.is_intact, found)


@api.get("/events", "events:read")
async def follow_events(
    rook: AsyncRook, /, feeds: Feeds,
    after: Annotated[int | None, Query(ge=0, description="From this entry on; unless given, now.")] = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:  # fmt: skip
    """Everything that happens, as it happens, as server-sent events: the audit log, entry by entry."""
    watch = feeds.of("audit", partial(_look, rook))
    place = last_event_id if last_event_id is not None else after
    return stream(_happenings(rook, watch, await rook.audit.newest() if place is None else place))


async def _look(rook: AsyncRook, _keys: frozenset[str]) -> dict[str, int]:
    return {NEWEST: await rook.audit.newest()}


async def _happenings(rook: AsyncRook, watch: Watch, place: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(watch.follow(NEWEST)) as news:
        async for newest in news:
            if newest is None:
                yield STILL_HERE
            while newest is not None and place < newest:
                for entry in await rook.audit.following(place):
                    place = entry.position or place
                    yield event(entry_document(entry), name=entry.event_type, id_=place)
