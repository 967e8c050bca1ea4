"""The orders in which devices can be listed. The table is small enough to be sorted anew each time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func

from rookery.base.clock import to_us
from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.models import Device
from rookery.mechanisms.store.orders import Orders, Place

ORDERS = Orders(
    Device.called,
    {
        "name": Device.called,
        "platform": Device.platform,
        "site": Device.site,
        "last_backup_at": func.coalesce(Device.last_backup_us, 0),
        "last_seen": func.coalesce(Device.last_seen_us, 0),
    },
)


def place_in(sort: str, device: DeviceInfo) -> Place:
    """A device's place in the order of `sort`."""
    called = device.name.lower()
    value = called if sort.lstrip("-") == "name" else getattr(device, sort.lstrip("-"))
    return Place(_stored(value), called)


def _stored(value: str | datetime | None) -> str | int:
    if value is None:
        return 0
    return to_us(value) if isinstance(value, datetime) else value
