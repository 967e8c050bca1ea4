"""A device as programs see it: the Python face, the CLI's --json, exports, and in time the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from rookery.base.clock import from_us
from rookery.domains.devices.models import Device
from rookery.domains.devices.rules import PARTS, PORTS, BackupStatus, DeviceSpec, Transport
from rookery.mechanisms.transport.terminal.hostkeys import Trust

decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode


class DeviceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A device, with what is known of it. `port` is the one that is used; times are aware, in UTC."""

    id: str
    name: str
    address: str
    port: int
    platform: str
    transport: Transport
    tags: tuple[str, ...]
    site: str
    role: str
    serial: str
    model: str
    version: str
    is_enabled: bool = msgspec.field(name="enabled")
    notes: str
    jump: str
    allows_legacy: bool
    trust: Trust
    revision: int
    created: datetime
    created_by: str
    updated: datetime
    last_seen: datetime | None
    last_backup: BackupStatus | None
    last_backup_at: datetime | None
    last_backup_error: str
    failed_in_row: int


def device_info(row: Device) -> DeviceInfo:
    """A row, read."""
    return device_of(_values(row))


def device_of(columns: Iterable[Any]) -> DeviceInfo:
    """A row's columns, in their order, read."""
    values = dict(zip(_FIELDS, columns, strict=True))
    del values["called"]
    values["port"] = values["port"] or PORTS[values["transport"]]
    values["tags"] = decode_tags(values["tags"])
    for moment in _MOMENTS:
        if values[moment] is not None:
            values[moment] = from_us(values[moment])
    return DeviceInfo(**values)


_FIELD_OF = {
    "created_us": "created", "updated_us": "updated", "last_seen_us": "last_seen",
    "last_backup_us": "last_backup_at",
}  # fmt: skip
_MOMENTS = tuple(_FIELD_OF.values())
_COLUMNS: list[str] = Device.__table__.columns.keys()
_FIELDS = [_FIELD_OF.get(name, name) for name in _COLUMNS]
_values = attrgetter(*_COLUMNS)


def spec_of(row: Device) -> DeviceSpec:
    """What somebody has described."""
    parts = {name: getattr(row, name) for name in PARTS}
    return DeviceSpec(**{**parts, "tags": decode_tags(row.tags)})


def differences(row: Device, spec: DeviceSpec) -> dict[str, object]:
    """What a row would have to be given to be as described, by its column."""
    return {key: value for key, value in columns(spec).items() if getattr(row, key) != value}


def columns(spec: DeviceSpec) -> dict[str, object]:
    """What is stored of a description."""
    parts = {name: getattr(spec, name) for name in PARTS}
    return {**parts, "called": spec.name.lower(), "tags": msgspec.json.encode(spec.tags).decode()}
