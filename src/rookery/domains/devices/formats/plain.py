"""Our own: CSV with a title line, and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.errors import InventoryNotValid
from rookery.domains.devices.formats.record import KIND, Record, is_yes, port_of, words_of
from rookery.domains.devices.rules import DEFAULT_TAG

COLUMNS = (
    *("name", "address", "port", "platform", "transport", "tags", "site", "role", "enabled", "jump"),
    *("allows_legacy", "trust", "serial", "model", "version", "notes"),
)
OTHER_NAMES = {
    "name": ("hostname", "host", "device_name", "node_name", "device", "node", "sysname"),
    "address": ("ip", "ip_address", "management_ip", "mgmt_ip", "primary_ip", "primary_ip4", "ipv4_address"),
    "port": ("ssh_port",),
    "platform": ("device_type", "os"),
    "tags": ("tag",),
    "site": ("location",),
    "role": ("device_role",),
    "enabled": ("is_enabled",),
    "jump": ("jump_host",),
    "serial": ("serial_number", "serial_no"),
    "model": ("hardware",),
    "version": ("os_version", "software_version"),
    "notes": ("description", "comments"),
}
"""What other programs call a column, and what they say more clearly first."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula: it is given a quotation mark."""


def read_csv(text: str) -> Iterator[Record]:
    """A line of titles, then a device per line; columns in any order, separated by , or ; or tabs."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter, strict=True)
    try:
        columns = _columns(title for title in reader.fieldnames or () if title)
        if not {"name", "address"} & set(columns.values()):
            raise InventoryNotValid("The first line names the columns; name and platform must be among them.")
        for row in reader:
            yield _from_row(f"line {reader.line_num}", row, columns)
    except csv.Error as error:
        raise InventoryNotValid(f"Line {reader.line_num}: {error}.") from None


def _columns(titles: Iterable[str]) -> dict[str, str]:
    """What stands under each title. Of several for the same one counts, the others keep their own words."""
    columns = {title: _word(title) for title in titles}
    for column, others in OTHER_NAMES.items():
        words = {word: title for title, word in columns.items()}
        found = next((words[word] for word in (column, *others) if word in words), None)
        if found is not None:
            columns[found] = column
    return columns


def _word(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


def _from_row(place: str, row: dict[str | None, Any], columns: dict[str, str]) -> Record:
    said = {columns[title]: _without_mark(value) for title, value in row.items() if title and value}
    return _record(place, said)


def _without_mark(value: str) -> str:
    text = value.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


def _record(place: str, said: dict[str, Any]) -> Record:
    parts = {name: said[name] for name in COLUMNS if said.get(name) not in (None, "")}
    for name in ("enabled", "allows_legacy"):
        if name in parts:
            parts[name] = is_yes(parts[name])
    if "port" in parts:
        parts["port"] = port_of(parts["port"])
    if "tags" in parts:
        parts["tags"] = words_of(parts["tags"])
    if "platform" in parts:
        parts["platform"] = _word(str(parts["platform"]))
    parts["address"] = str(parts.get("address", parts.get("name", ""))).partition("/")[0]
    ignored = tuple(sorted(set(said) - set(COLUMNS) - _KNOWN))
    return Record(place, parts, ignored, _word(str(said.get(KIND) or "")))


_KNOWN = {
    *("id", "revision", "created", "created_by", "updated", "last_seen", "last_backup", "last_backup_at"),
    "last_backup_error",
    "failed_in_row",
}
"""What is exported and not imported: it is our own knowledge, not anybody's description."""


def write_csv(devices: Iterable[DeviceInfo]) -> Iterator[str]:
    """A line of titles, then a line per device."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for device in devices:
        writer.writerow([_cell(described(device)[name]) for name in COLUMNS])
        yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(value) if isinstance(value, tuple) else str("" if value is None else value)
    return f"'{text}" if text.startswith(FORMULA) else text


def described(device: DeviceInfo) -> dict[str, Any]:
    """What somebody has described of a device, without the tag that all have."""
    own_tags = tuple(tag for tag in device.tags if tag != DEFAULT_TAG)
    special = {"enabled": device.is_enabled, "tags": own_tags}
    return {name: special[name] if name in special else getattr(device, name) for name in COLUMNS}


def read_json(text: str) -> Iterator[Record]:
    """A list of objects, or an object whose `items` they are."""
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InventoryNotValid(f"That is no JSON: {error}.") from None
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise InventoryNotValid("The JSON is a list of devices, or an object with a list `items`.")
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise InventoryNotValid(f"Device {number} is no object.")
        columns = _columns(item)
        yield _record(f"device {number}", {columns[name]: value for name, value in item.items()})


def write_json(devices: Iterable[DeviceInfo]) -> Iterator[str]:
    """An object whose `items` are the devices."""
    items = [described(device) for device in devices]
    yield msgspec.json.format(msgspec.json.encode({"items": items}), indent=2).decode() + "\n"
