"""What people do with devices: describe, change, tag and forget them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from rookery.base.clock import now_us, to_us
from rookery.base.ids import new_id
from rookery.base.structs import ready
from rookery.domains.devices import store
from rookery.domains.devices.document import DeviceInfo, columns, device_info, differences, spec_of
from rookery.domains.devices.errors import DeviceChanged, DeviceExists, DeviceNotValid
from rookery.domains.devices.events import (
    DeviceCreated,
    DeviceDeleted,
    DeviceUpdated,
    HostKeysForgotten,
    PlatformAdded,
)
from rookery.domains.devices.filters import tagged
from rookery.domains.devices.library import Library
from rookery.domains.devices.models import Device
from rookery.domains.devices.platform import Platform
from rookery.domains.devices.rules import PARTS, BackupStatus, DeviceSpec, valid, valid_tags
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook


@dual
def create(rook: Rook, /, name: str, address: str, platform: str, **parts: Any) -> DeviceInfo:
    """Describe a new device; `parts` are those of DeviceSpec: port, transport, tags, site, role, enabled …

    Raises DeviceNotValid, DeviceExists, PlatformNotFound.
    """
    spec = checked(rook, _spec({**parts, "name": name, "address": address, "platform": platform}))
    row = new_row(spec, rook.actor)
    with rook.transaction() as session:
        store.add(session, row)
        rook.emit(DeviceCreated(row.name, row.id, row.address, row.platform))
    return device_info(row)


@dual
def update(rook: Rook, device: str, /, *, revision: int | None = None, **parts: Any) -> DeviceInfo:
    """Change what is given. With `revision`, only when nobody has changed the device since it was that.

    Raises DeviceNotFound, DeviceChanged, and what `create` raises.
    """
    with rook.reading() as session:
        before = spec_of(store.row_of(session, device))
    spec = checked(rook, _spec({**msgspec.structs.asdict(before), **_with_struct_names(parts)}))
    with rook.transaction() as session:
        row = store.row_of(session, device, for_update=True)
        if revision is not None and revision != row.revision:
            raise DeviceChanged
        wanted = msgspec.structs.replace(
            spec_of(row), **{key: getattr(spec, key) for key in _with_struct_names(parts)}
        )
        if wanted.name.lower() != row.name.lower() and store.rows_named(session, [wanted.name]):
            raise DeviceExists(f"There is a device {wanted.name} already.")
        write(rook, row, wanted)
    return device_info(row)


@dual
def update_backup_status(
    rook: Rook,
    /,
    name: str,
    status: BackupStatus,
    *,
    at: datetime | None = None,
    error: str = "",
    facts: Mapping[str, str] | None = None,
) -> None:
    """Note what came of a device's last backup, and what it said of itself. Raises DeviceNotFound.

    Whoever takes the backup announces it: this alone is no event.
    """
    moment = now_us() if at is None else to_us(at)
    with rook.transaction() as session:
        store.note_backup(session, store.row_of(session, name).id, status, moment, error, facts or {})


@dual
def delete(rook: Rook, /, name: str) -> None:
    """Forget a device. Raises DeviceNotFound."""
    with rook.transaction() as session:
        row = store.row_of(session, name, for_update=True)
        store.remove(session, row.id)
        rook.emit(DeviceDeleted(row.name, row.id))


@dual
def add_tags(rook: Rook, /, name: str, tags: Iterable[str]) -> DeviceInfo:
    """Give a device these tags, too. Raises DeviceNotFound, DeviceNotValid."""
    return _retag(rook, name, add=valid_tags(tags))


@dual
def remove_tags(rook: Rook, /, name: str, tags: Iterable[str]) -> DeviceInfo:
    """Take these tags from a device; the default tag stays. Raises DeviceNotFound, DeviceNotValid."""
    return _retag(rook, name, remove=valid_tags(tags))


def _retag(rook: Rook, name: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> DeviceInfo:
    with rook.transaction() as session:
        row = store.row_of(session, name, for_update=True)
        spec = spec_of(row)
        tags = valid_tags({*spec.tags, *add} - set(remove))
        write(rook, row, msgspec.structs.replace(spec, tags=tags))
    return device_info(row)


@dual
def tags_of(rook: Rook, /, name: str) -> tuple[str, ...]:
    """The tags of a device. Raises DeviceNotFound."""
    return store.get(rook, name).tags


@dual
def devices_for(rook: Rook, /, tag: str) -> list[DeviceInfo]:
    """The devices that have a tag, by name."""
    return store.list_(rook, tagged(tag))


@dual
def forget_host_keys(rook: Rook, /, host: str, port: int | None = None) -> int:
    """Trust the next key that a host shows; by how many it was known. For a device that was replaced."""
    with rook.transaction() as session:
        count = store.remove_host_keys(session, host, port)
        if count:
            rook.emit(HostKeysForgotten(host if port is None else f"{host}:{port}", count))
    return count


@dual
def platforms(rook: Rook, /) -> list[Platform]:
    """Every platform, shipped or the user's own, by name. Raises PlatformNotValid."""
    return rook.offload(lambda: list(Library(rook.data_dir).all()))


@dual
def platform(rook: Rook, /, name: str) -> Platform:
    """The platform of this name or alias. Raises PlatformNotFound, PlatformNotValid."""
    return rook.offload(Library(rook.data_dir).get, name)


@dual
def add_platform(rook: Rook, /, name: str, text: str) -> Platform:
    """Keep a platform, as TOML, as one's own. Raises PlatformNotValid, PlatformExists, Unavailable."""
    file = rook.offload(Library(rook.data_dir).add, name, text)
    rook.emit(PlatformAdded(name, str(file)))
    return platform(rook, name)


def _with_struct_names(parts: dict[str, Any]) -> dict[str, Any]:
    renamed = {("is_enabled" if key == "enabled" else key): value for key, value in parts.items()}
    unknown = set(renamed) - set(PARTS)
    if unknown:
        raise DeviceNotValid(f"A device has no {', '.join(sorted(unknown))}; it has {', '.join(PARTS)}.")
    return renamed


def _spec(parts: dict[str, Any]) -> DeviceSpec:
    parts = _with_struct_names(parts)
    try:
        given = {("enabled" if key == "is_enabled" else key): value for key, value in parts.items()}
        return msgspec.convert(given, ready(DeviceSpec))
    except msgspec.ValidationError as error:
        raise DeviceNotValid(f"{error}.") from None


def checked(rook: Rook, spec: DeviceSpec) -> DeviceSpec:
    """The same, valid, its platform by its own name. Raises DeviceNotValid, PlatformNotFound."""
    known = rook.offload(Library(rook.data_dir).get, spec.platform)
    return valid(msgspec.structs.replace(spec, platform=known.name))


def new_row(spec: DeviceSpec, actor: str) -> Device:
    """The row of a new device."""
    now = now_us()
    return Device(
        id=new_id(), revision=1, created_us=now, created_by=actor, updated_us=now, last_seen_us=None,
        last_backup=None, last_backup_us=None, last_backup_error="", failed_in_row=0,
        **columns(spec),
    )  # fmt: skip


def write(rook: Rook, row: Device, spec: DeviceSpec) -> tuple[str, ...]:
    """Write what is different of a device, and announce it; its names."""
    changed = differences(row, spec)
    for key, value in changed.items():
        setattr(row, key, value)
    if changed:
        row.revision, row.updated_us = row.revision + 1, now_us()
        rook.emit(DeviceUpdated(row.name, row.id, tuple(key for key in changed if key in PARTS)))
    return tuple(changed)
