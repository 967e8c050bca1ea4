"""The `router.db` of Oxidized and of RANCID."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.errors import InventoryNotValid
from rookery.domains.devices.formats.record import Record, is_yes
from rookery.domains.devices.rules import DEFAULT_TAG

RANCID = {
    "cisco": "ios", "cisco-nx": "nxos", "cisco-xr": "iosxr", "juniper": "junos", "arista": "eos",
    "fortigate": "fortios", "hp": "procurve", "foundry": "fastiron", "mikrotik": "routeros",
    "extreme": "extreme_exos", "huawei": "vrp", "paloalto": "panos",
}  # fmt: skip
"""What RANCID calls some of them; the others are looked for under its own name."""


def _lines(text: str, separator: str) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition("#")[0].strip()
        if bare:
            yield f"line {number}", [part.strip() for part in bare.split(separator)]


def read_oxidized(text: str) -> Iterator[Record]:
    """`name:model`, `name:model:group` or `name:address:model[:group]`, with : or ; or , between them."""
    separator = _separator(text)
    for place, parts in _lines(text, separator):
        if len(parts) < 2:
            raise InventoryNotValid(f"Line {place}: a device is name{separator}model, at least.")
        has_address = len(parts) >= 3 and _is_address(parts[1])
        name, address = parts[0], parts[1] if has_address else parts[0]
        platform, *groups = parts[2:] if has_address else parts[1:]
        said = {"name": name, "address": address, "platform": platform.lower()}
        yield Record(place, {**said, "tags": tuple(g.lower() for g in groups[:1] if g)}, tuple(groups[1:]))


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return next((each for each in (";", ",", ":") if each in first), ":")


def _is_address(text: str) -> bool:
    return "." in text or text.count(":") > 1


def write_oxidized(devices: Iterable[DeviceInfo]) -> Iterator[str]:
    """`name;address;platform;group` lines, the group being the first tag."""
    for device in devices:
        group = next((tag for tag in device.tags if tag != DEFAULT_TAG), "")
        yield f"{device.name};{device.address};{device.platform};{group}\n"


def read_rancid(text: str) -> Iterator[Record]:
    """`name;type;state[;comment]`; before RANCID 3, with colons."""
    separator = ";" if ";" in text else ":"
    for place, parts in _lines(text, separator):
        if len(parts) < 3:
            raise InventoryNotValid(f"{place}: a device is name{separator}type{separator}up or down.")
        name, kind, state, *comment = parts
        kind = kind.lower()
        said = {"name": name, "address": name, "platform": RANCID.get(kind, kind), "enabled": is_yes(state)}
        yield Record(place, {**said, "notes": separator.join(comment)} if comment else said)


def write_rancid(devices: Iterable[DeviceInfo]) -> Iterator[str]:
    """`address;type;up` lines."""
    kinds = {platform: kind for kind, platform in RANCID.items()}
    for device in devices:
        kind = kinds.get(device.platform, device.platform)
        yield f"{device.address};{kind};{'up' if device.is_enabled else 'down'}\n"
