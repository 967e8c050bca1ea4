"""The routes of backups: taking them, their versions, what differs, and what is where."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import Query
from starlette.responses import PlainTextResponse

from rookery.domains.backups.reading import Compared
from rookery.domains.backups.store import VersionInfo
from rookery.domains.backups.tasks import CAPTURE, REACH, REACH_ALL, RUN, ManyDevices, OneDevice
from rookery.faces.api.routing import (
    After,
    Filter,
    Limit,
    Most,
    Page,
    Router,
    Submitted,
    page_of,
    place_of,
    submitted,
)

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.domains.backups.diffing.hunks import Hunk

api = Router("backups")

At = Annotated[datetime | None, Query(description="As it was then: 2026-11-27T12:00:00Z.")]


class NewBackup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which devices: those named, or those that a filter chooses; neither: all."""

    devices: tuple[str, ...] = ()
    filter: str = ""


class How(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `accept_shrunken`, a configuration may be half as long as it was."""

    accept_shrunken: bool = False


class DiffLine(msgspec.Struct, frozen=True):
    """A line of a difference; numbers from 1, `spans` are the parts of the line that differ."""

    kind: Literal["same", "removed", "added"]
    text: str
    old_number: int | None
    new_number: int | None
    spans: tuple[tuple[int, int], ...]


class DiffHunk(msgspec.Struct, frozen=True):
    """Changes near each other; `section` is the path to the first of them."""

    section: str
    old_start: int
    old_length: int
    new_start: int
    new_length: int
    lines: list[DiffLine]


class Difference(msgspec.Struct, frozen=True):
    """What differs between two versions; `hidden` counts lines that change by themselves."""

    old: VersionInfo
    new: VersionInfo
    added: int
    removed: int
    hidden: int
    hunks: list[DiffHunk]


class Found(msgspec.Struct, frozen=True):
    """A line of a current configuration; numbers from 1."""

    device: str
    version: int
    number: int
    line: str


class Revealed(msgspec.Struct, frozen=True):
    """A configuration with its secrets."""

    text: str


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is to be shown with its secrets, that of a moment or the newest unless said, and why."""

    reason: str
    number: int | None = None
    at: datetime | None = None


@api.post("/backups", "backups:run", HTTPStatus.ACCEPTED)
async def create_backup(rook: AsyncRook, /, backup: NewBackup) -> Submitted:
    """Have devices backed up, each by a task of its own."""
    wanted = ManyDevices(filter=backup.filter, devices=backup.devices)
    return submitted(await rook.tasks.submit_task(RUN, wanted))


@api.post("/devices/{device}/backups", "backups:run", HTTPStatus.ACCEPTED)
async def back_up_device(rook: AsyncRook, /, device: str, how: How) -> Submitted:
    """Have one device backed up."""
    wanted = OneDevice(device=(await rook.devices.get(device)).id, accept_shrunken=how.accept_shrunken)
    return submitted(await rook.tasks.submit_task(CAPTURE, wanted))


@api.post("/devices/{device}/reachability", "backups:run", HTTPStatus.ACCEPTED)
async def check_device(rook: AsyncRook, /, device: str) -> Submitted:
    """See whether one device can be logged in on."""
    wanted = OneDevice(device=(await rook.devices.get(device)).id)
    return submitted(await rook.tasks.submit_task(REACH, wanted))


@api.post("/reachability", "backups:run", HTTPStatus.ACCEPTED)
async def check_reachability(rook: AsyncRook, /, which: NewBackup) -> Submitted:
    """See which devices can be logged in on, each by a task of its own."""
    wanted = ManyDevices(filter=which.filter, devices=which.devices)
    return submitted(await rook.tasks.submit_task(REACH_ALL, wanted))


@api.get("/devices/{device}/versions", "backups:read")
async def list_versions(
    rook: AsyncRook, /, device: str, limit: Limit = 50, after: After = ""
) -> Page[VersionInfo]:
    """List the versions of a configuration, newest first."""
    before = place_of(after, int) if after else None
    found = await rook.backups.versions(device, limit=limit + 1, before=before)
    return page_of(found, limit, lambda version: version.number)


@api.get("/devices/{device}/versions/{number}", "backups:read")
async def get_version(rook: AsyncRook, /, device: str, number: int) -> VersionInfo:
    """One version, without its text."""
    return await rook.backups.get(device, number)


@api.get("/devices/{device}/version", "backups:read")
async def get_version_of(rook: AsyncRook, /, device: str, at: At = None) -> VersionInfo:
    """The version of now, or of then, without its text."""
    return await rook.backups.get(device, at=at)


@api.get("/devices/{device}/versions/{number}/text", "backups:read")
async def get_version_text(rook: AsyncRook, /, device: str, number: int) -> PlainTextResponse:
    """The text of a version, without its secrets."""
    return PlainTextResponse(await rook.backups.text(device, number))


@api.get("/devices/{device}/version/text", "backups:read")
async def get_configuration(rook: AsyncRook, /, device: str, at: At = None) -> PlainTextResponse:
    """The configuration of a device, of now or of then, without its secrets."""
    return PlainTextResponse(await rook.backups.text(device, at=at))


@api.post("/devices/{device}/version/reveal", "backups:reveal", HTTPStatus.OK)
async def reveal_configuration(rook: AsyncRook, /, device: str, wanted: Wanted) -> Revealed:
    """Tell a configuration with its secrets, to whoever says why."""
    return Revealed(await rook.backups.reveal(device, wanted.reason, wanted.number, at=wanted.at))


@api.get("/devices/{device}/diff", "backups:read")
async def compare_versions(
    rook: AsyncRook, /, device: str,
    old: Annotated[int | None, Query(ge=1, description="The one before `new`, unless given.")] = None,
    new: Annotated[int | None, Query(ge=1, description="The newest, unless given.")] = None,
    context: Annotated[int, Query(ge=0, le=1_000, description="Lines around each change.")] = 3,
) -> Difference:  # fmt: skip
    """What differs between two versions, secrets masked."""
    return _document(await rook.backups.compare(device, old, new, context=context))


@api.get("/configurations/search", "backups:read")
async def search_configurations(
    rook: AsyncRook, /,
    regex: Annotated[str, Query(min_length=1, max_length=500, description="RE2 syntax.")],
    filter_: Filter = "", limit: Most = 100,
) -> Page[Found]:  # fmt: skip
    """Look for something in all current configurations."""
    return Page([Found(*hit) for hit in await rook.backups.grep(regex, filter_, most=limit)])


def _document(found: Compared) -> Difference:
    difference = found.difference
    hunks = [_hunk(hunk) for hunk in difference.hunks()]
    return Difference(found.old, found.new, difference.added, difference.removed, difference.hidden, hunks)


def _hunk(hunk: Hunk) -> DiffHunk:
    return DiffHunk(*hunk[:5], [DiffLine(*line) for line in hunk.lines])
