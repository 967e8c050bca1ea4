"""The routes of settings: what holds, why, and what may be changed while Rookery runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from rookery.domains.settings.document import ChangeInfo, SettingInfo
from rookery.domains.settings.rules import Kind
from rookery.faces.api.routing import Changes, Most, Page, Revision, Router

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("settings")


class NewSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A setting of one's own."""

    key: str
    kind: Kind = "text"
    default: Any = ""
    description: str = ""


class OwnParts(msgspec.Struct, frozen=True):
    """What may be changed of a setting of one's own."""

    default: Any
    description: str


class NewValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to hold."""

    value: Any


@api.get("/settings", "settings:read")
async def list_settings(rook: AsyncRook, /, category: str | None = None) -> Page[SettingInfo]:
    """List settings, of one category or all; secrets are masked."""
    found = await (rook.settings.list() if category is None else rook.settings.by_category(category))
    return Page(found)


@api.post("/settings", "settings:write")
async def create_setting(rook: AsyncRook, /, setting: NewSetting) -> SettingInfo:
    """Declare a setting of one's own."""
    return await rook.settings.create(**msgspec.structs.asdict(setting))


@api.get("/settings/{key}", "settings:read")
async def get_setting(rook: AsyncRook, /, key: str) -> SettingInfo:
    """One setting, and where its value comes from."""
    return await rook.settings.get(key)


@api.put("/settings/{key}", "settings:write")
async def update_setting(rook: AsyncRook, /, key: str, sent: NewValue, revision: Revision) -> SettingInfo:
    """Have another value hold from now on."""
    return await rook.settings.update_value(key, sent.value, revision=revision)


@api.patch("/settings/{key}", "settings:write")
async def change_setting(
    rook: AsyncRook, /, key: str, changes: Annotated[dict[str, Any], Changes(OwnParts)], revision: Revision
) -> SettingInfo:
    """Change what is declared of a setting of one's own."""
    return await rook.settings.update(key, revision=revision, **changes)


@api.delete("/settings/{key}/value", "settings:write")
async def unset_setting(rook: AsyncRook, /, key: str, revision: Revision) -> None:
    """Have its default hold again."""
    await rook.settings.unset(key, revision=revision)


@api.delete("/settings/{key}", "settings:write")
async def delete_setting(rook: AsyncRook, /, key: str, revision: Revision) -> None:
    """Forget a setting of one's own."""
    await rook.settings.delete(key, revision=revision)


@api.get("/settings/{key}/history", "settings:read")
async def get_setting_history(rook: AsyncRook, /, key: str, limit: Most = 50) -> Page[ChangeInfo]:
    """What a setting was, newest first."""
    return Page(await rook.settings.history(key, limit=limit))
