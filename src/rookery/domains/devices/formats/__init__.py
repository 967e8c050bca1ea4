"""Lists of devices as other programs keep them: each format reads, and some write.

A reader yields a Record for each device: where it stands in the file, and its parts as they are called here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.errors import InventoryNotValid
from rookery.domains.devices.formats import ansible, netbox, plain, routerdb
from rookery.domains.devices.formats.record import Record

__all__ = ["FORMATS", "LARGEST", "Format", "Record", "guess", "read", "write"]

LARGEST = 64 << 20
"""Characters of a list of devices."""


class Format(NamedTuple):
    """A way to write devices down."""

    help: str
    read: Callable[[str], Iterator[Record]]
    write: Callable[[Iterable[DeviceInfo]], Iterator[str]] | None = None


FORMATS = {
    "csv": Format("comma-separated values with a title line", plain.read_csv, plain.write_csv),
    "json": Format("what `export` and `list --json` write", plain.read_json, plain.write_json),
    "oxidized": Format("Oxidized's router.db, name:model or name:address:model:group", routerdb.read_oxidized,
                       routerdb.write_oxidized),
    "rancid": Format("RANCID's router.db, name;type;up", routerdb.read_rancid, routerdb.write_rancid),
    "ansible": Format("an Ansible inventory: INI, YAML, or JSON of ansible-inventory --list", ansible.read),
    "netbox": Format("JSON of NetBox's /api/dcim/devices/", netbox.read),
}  # fmt: skip


def guess(name: str, text: str) -> str:
    """The format of a file, by its name and what it looks like. Raises InventoryNotValid."""
    ending = name.rpartition(".")[2].lower()
    start = text.lstrip()[:4096]
    if start[:1] in {"{", "["} and ending not in {"ini", "cfg"} and not start.startswith("[all"):
        return _guess_json(start)
    if ending == "db" or name.endswith("router.db"):
        lines = [line for line in start.splitlines() if line.strip() and not line.startswith("#")]
        return "rancid" if lines and ";" in lines[0] else "oxidized"
    by_ending = {"csv": "csv", "ini": "ansible", "yml": "ansible", "yaml": "ansible", "cfg": "ansible"}
    if ending in by_ending:
        return by_ending[ending]
    raise InventoryNotValid(f"{name}: say which format it has: {', '.join(FORMATS)}.")


def _guess_json(start: str) -> str:
    if '"_meta"' in start or '"hostvars"' in start:
        return "ansible"
    return "netbox" if '"device_type"' in start or '"primary_ip' in start else "json"


def read(format_: str, text: str) -> Iterator[Record]:
    """The devices of a list. Raises InventoryNotValid, which names the place."""
    if len(text) > LARGEST:
        raise InventoryNotValid(f"A list of devices has at most {LARGEST >> 20} MB.")
    return _format(format_).read(text)


def write(format_: str, devices: Iterable[DeviceInfo]) -> Iterator[str]:
    """The pieces of a list of these devices. Raises InventoryNotValid for a format that is only read."""
    writer = _format(format_).write
    if writer is None:
        raise InventoryNotValid(f"{format_} is only read; written are {', '.join(WRITTEN)}.")
    return writer(devices)


WRITTEN = tuple(name for name, each in FORMATS.items() if each.write)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InventoryNotValid(f"There is no format {name[:40]!r}; there are {', '.join(FORMATS)}.")
    return FORMATS[name]
