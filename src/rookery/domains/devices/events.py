"""What devices announce, after the commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeviceCreated:
    """There is a new device."""

    device: str
    device_id: str
    address: str
    platform: str


@dataclass(frozen=True)
class DeviceUpdated:
    """These parts of a device were changed."""

    device: str
    device_id: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class DeviceDeleted:
    """There was a device."""

    device: str
    device_id: str


@dataclass(frozen=True)
class HostKeyTrusted:
    """From now on a host is known by this key; the fingerprint is that of OpenSSH."""

    host: str
    fingerprint: str


@dataclass(frozen=True)
class HostKeysForgotten:
    """A host is known by no key any more: the next one that it shows is trusted."""

    host: str
    count: int


@dataclass(frozen=True)
class PlatformAdded:
    """There is a new platform of the user's own, or one that goes before a shipped one of that name."""

    platform: str
    file: str


EVENTS = (DeviceCreated, DeviceUpdated, DeviceDeleted, HostKeyTrusted, HostKeysForgotten, PlatformAdded)
