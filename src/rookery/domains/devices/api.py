"""The routes of devices, tags and platforms."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import Query

from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.exchange import ImportOutcome
from rookery.domains.devices.orders import ORDERS, place_in
from rookery.domains.devices.platform import Platform
from rookery.domains.devices.rules import DeviceSpec
from rookery.faces.api.routing import (
    After,
    Changes,
    Count,
    Filter,
    Limit,
    Page,
    Revision,
    Router,
    counted,
    page_of,
    place_of,
)

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("devices")

Sorted = Annotated[
    Literal[
        "name", "-name", "platform", "-platform", "site", "-site", "last_backup_at", "-last_backup_at",
        "last_seen", "-last_seen",
    ],
    Query(description="In which order."),
]  # fmt: skip


class Tag(msgspec.Struct, frozen=True):
    """A tag, and how many devices have it."""

    tag: str
    devices: int


class DeviceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list of devices as another program writes it."""

    format: Literal["csv", "json", "oxidized", "rancid", "ansible", "netbox"]
    text: str
    dry_run: bool = False


class PlatformInfo(msgspec.Struct, frozen=True):
    """A platform in short; an experimental one is made from documentation alone."""

    name: str
    title: str
    aliases: tuple[str, ...]
    origin: str
    is_experimental: bool


class Tags(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tags to be given or taken."""

    tags: tuple[str, ...]


@api.get("/devices", "devices:read")
async def list_devices(
    rook: AsyncRook, /, filter_: Filter = "", limit: Limit = 50, after: After = "", sort: Sorted = "name",
    count: Count = None,
) -> Page[DeviceInfo]:  # fmt: skip
    """List devices by name, or in another order; a minus turns it round."""
    place = place_of(after, ORDERS.place_type(sort)) if after else ""
    found = await rook.devices.list(filter_, limit=limit + 1, after=place, sort=sort)
    page = page_of(found, limit, partial(place_in, sort))
    return await counted(page, count, partial(rook.devices.count, filter_))


@api.post("/devices", "devices:write")
async def create_device(rook: AsyncRook, /, device: DeviceSpec) -> DeviceInfo:
    """Add a device to the inventory."""
    return await rook.devices.create(**msgspec.to_builtins(device))


@api.get("/devices/{device}", "devices:read")
async def get_device(rook: AsyncRook, /, device: str) -> DeviceInfo:
    """One device, by its name or id."""
    return await rook.devices.get(device)


@api.patch("/devices/{device}", "devices:write")
async def update_device(
    rook: AsyncRook,
    /,
    device: str,
    changes: Annotated[dict[str, Any], Changes(DeviceSpec)],
    revision: Revision,
) -> DeviceInfo:
    """Change parts of a device."""
    return await rook.devices.update(device, revision=revision, **changes)


@api.delete("/devices/{device}", "devices:write")
async def delete_device(rook: AsyncRook, /, device: str) -> None:
    """Forget a device, its versions included."""
    await rook.devices.delete(device)


@api.post("/devices/{device}/tags", "devices:write", HTTPStatus.OK)
async def add_tags(rook: AsyncRook, /, device: str, sent: Tags) -> DeviceInfo:
    """Give a device these tags, too."""
    return await rook.devices.add_tags(device, sent.tags)


@api.delete("/devices/{device}/tags/{tag}", "devices:write")
async def remove_tag(rook: AsyncRook, /, device: str, tag: str) -> None:
    """Take a tag from a device; the default tag stays."""
    await rook.devices.remove_tags(device, [tag])


@api.post("/devices/import", "devices:write", HTTPStatus.OK)
async def import_devices(rook: AsyncRook, /, sent: DeviceList) -> ImportOutcome:
    """Take devices from a list of another program; with `dry_run`, only say what would change."""
    take = rook.devices.preview_import if sent.dry_run else rook.devices.import_
    return await take(sent.text, sent.format)


@api.delete("/devices/{device}/host-keys", "devices:write")
async def forget_host_keys(rook: AsyncRook, /, device: str) -> None:
    """Trust the next host key that a device shows: it was replaced."""
    known = await rook.devices.get(device)
    await rook.devices.forget_host_keys(known.address, known.port)


@api.get("/tags", "devices:read")
async def list_tags(rook: AsyncRook, /) -> Page[Tag]:
    """List the tags that devices have."""
    return Page([Tag(*each) for each in await rook.devices.tags()])


@api.get("/platforms", "platforms:read")
async def list_platforms(rook: AsyncRook, /) -> Page[PlatformInfo]:
    """List the kinds of devices that are known."""
    return Page([_platform_info(each) for each in await rook.devices.platforms()])


@api.get("/platforms/{platform}", "platforms:read")
async def get_platform(rook: AsyncRook, /, platform: str) -> Platform:
    """How to talk to a kind of device."""
    return await rook.devices.platform(platform)


def _platform_info(platform: Platform) -> PlatformInfo:
    return PlatformInfo(
        platform.name, platform.title, platform.aliases, platform.origin, platform.is_experimental
    )
