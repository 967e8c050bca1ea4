"""NetBox: the JSON of its /api/dcim/devices/, of one page or of several put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from rookery.domains.devices.errors import InventoryNotValid
from rookery.domains.devices.formats.record import Record

ACTIVE = {"active", "staged"}


def read(text: str) -> Iterator[Record]:
    """The devices with their primary address, platform, site, role, serial number and tags."""
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InventoryNotValid(f"That is no JSON: {error}.") from None
    results = document.get("results") if isinstance(document, dict) else document
    if not isinstance(results, list):
        raise InventoryNotValid("NetBox's JSON is an object with a list `results`, or that list.")
    for number, device in enumerate(results, 1):
        if not isinstance(device, dict):
            raise InventoryNotValid(f"Device {number} is no object.")
        yield _record(number, device)


def _record(number: int, device: dict[str, Any]) -> Record:
    address = _word(device.get("primary_ip") or device.get("primary_ip4") or device.get("primary_ip6"))
    name = str(device.get("name") or device.get("display") or "")
    parts: dict[str, Any] = {
        "name": name,
        "address": address.partition("/")[0] or name,
        "platform": _word(device.get("platform")).replace("-", "_"),
        "site": _word(device.get("site")),
        "role": _word(device.get("role") or device.get("device_role")),
        "serial": str(device.get("serial") or ""),
        "model": _model(device.get("device_type")),
        "tags": tuple(_word(tag) for tag in device.get("tags") or ()),
        "enabled": _word(device.get("status") or "active") in ACTIVE,
        "notes": str(device.get("comments") or device.get("description") or ""),
    }
    return Record(f"device {number}", {key: value for key, value in parts.items() if value not in ("", ())})


def _word(value: Any) -> str:
    """What NetBox's own objects are called: a slug, a value, an address, or the text itself."""
    if isinstance(value, dict):
        return str(value.get("slug") or value.get("value") or value.get("address") or value.get("name") or "")
    return str(value or "")


def _model(value: Any) -> str:
    return str(value.get("model") or value.get("display") or "") if isinstance(value, dict) else ""
