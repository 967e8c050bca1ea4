"""The routes of devices, tags and platforms."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import Query
from starlette.responses import PlainTextResponse

from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.errors import DeviceNotValid
from rookery.domains.devices.exchange import ImportOutcome
from rookery.domains.devices.orders import ORDERS, place_in
from rookery.domains.devices.platform import Platform
from rookery.domains.devices.rules import PARTS, DeviceSpec
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

Format = Literal["csv", "json", "oxidized", "rancid", "ansible", "netbox"]
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
    """A list of devices as another program writes it; `defaults` are parts that it says nothing of."""

    format: Format
    text: str
    dry_run: bool = False
    defaults: dict[str, Any] = {}


class PlatformText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A platform, as TOML."""

    text: str


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose host keys are meant; without a port, on all of them."""

    host: str
    port: int | None = None


class Forgotten(msgspec.Struct, frozen=True):
    """How many host keys were known."""

    forgotten: int


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


@api.get("/devices/export", "devices:read")
async def export_devices(
    rook: AsyncRook, /, format_: Annotated[Format, Query(alias="format")], filter_: Filter = ""
) -> PlainTextResponse:
    """Devices as other programs read them."""
    return PlainTextResponse(await rook.devices.export(format_, filter_))


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
    if unknown := sorted(sent.defaults.keys() - set(PARTS)):
        raise DeviceNotValid(f"A device has no {', '.join(unknown)[:200]}; it has {', '.join(PARTS)}.")
    take = rook.devices.preview_import if sent.dry_run else rook.devices.import_
    return await take(sent.text, sent.format, **sent.defaults)


@api.get("/host-keys", "devices:read")
async def list_host_keys(
    rook: AsyncRook, /, host: str, port: Annotated[int, Query(ge=1, le=65_535)]
) -> Page[str]:
    """List the keys by which a host is known."""
    return Page(sorted(await rook.devices.host_keys(host, port)))


@api.post("/host-keys/forget", "devices:write", HTTPStatus.OK)
async def forget_host_keys(rook: AsyncRook, /, sent: Host) -> Forgotten:
    """Trust the next host key that a host shows: it was replaced."""
    return Forgotten(await rook.devices.forget_host_keys(sent.host, sent.port))


@api.get("/tags", "devices:read")
async def list_tags(rook: AsyncRook, /) -> Page[Tag]:
    """List the tags that devices have."""
    return Page([Tag(*each) for each in await rook.devices.tags()])


@api.get("/platforms", "platforms:read")
async def list_platforms(rook: AsyncRook, /) -> Page[Platform]:
    """List the kinds of devices that are known."""
    return Page(await rook.devices.platforms())


@api.get("/platforms/{platform}", "platforms:read")
async def get_platform(rook: AsyncRook, /, platform: str) -> Platform:
    """How to talk to a kind of device."""
    return await rook.devices.platform(platform)


@api.put("/platforms/{platform}", "platforms:write")
async def add_platform(rook: AsyncRook, /, platform: str, sent: PlatformText) -> Platform:
    """Add a kind of device of one's own."""
    return await rook.devices.add_platform(platform, sent.text)
