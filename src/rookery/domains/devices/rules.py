"""What a device is, as it is asked for, and what may be said of it. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

from rookery.domains.devices.errors import DeviceNotValid
from rookery.mechanisms.transport.terminal.hostkeys import Trust

Transport = Literal["ssh", "telnet"]
BackupStatus = Literal["changed", "unchanged", "failed"]

DEFAULT_TAG: Final = "default"
"""The tag that every device has."""
PORTS: Final = {"ssh": 22, "telnet": 23}

_NAME = re.compile(r"[\w][\w.:@/+ -]{0,252}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_DNS = re.compile(rf"(?=.{{1,253}}\.?$)(?:{_LABEL}\.)*{_LABEL}\.?")
_TAG = re.compile(r"[a-z0-9][a-z0-9._:/-]{0,62}")
_JUMP = re.compile(r"[^\s@:/]{1,64}@[^\s@/]{1,253}")
LONGEST_NOTES: Final = 10_000
LONGEST_WORD: Final = 200


class DeviceSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A device as somebody describes it; what it says of itself is not among it."""

    name: str
    address: str
    platform: str
    port: int | None = None
    transport: Transport = "ssh"
    tags: tuple[str, ...] = ()
    site: str = ""
    role: str = ""
    is_enabled: bool = msgspec.field(default=True, name="enabled")
    notes: str = ""
    jump: str = ""
    allows_legacy: bool = False
    trust: Trust = "first-use"
    serial: str = ""
    model: str = ""
    version: str = ""


PARTS: Final = tuple(DeviceSpec.__struct_fields__)


def valid(spec: DeviceSpec) -> DeviceSpec:
    """The same in canonical form: address and tags in lower case, the default tag among them. Raises
    DeviceNotValid, which names the field."""
    _check_word("name", spec.name, _NAME, "letters, digits and . : @ / + - _, at most 253")
    if spec.transport not in get_args(Transport):
        raise DeviceNotValid(f"transport is ssh or telnet, not {spec.transport!r}.")
    if spec.trust not in get_args(Trust):
        raise DeviceNotValid(f"trust is {', '.join(get_args(Trust))}, not {spec.trust!r}.")
    if spec.port is not None and not 1 <= spec.port <= 65_535:
        raise DeviceNotValid(f"port is a number from 1 to 65535, not {spec.port}.")
    if spec.jump:
        _check_word("jump", spec.jump, _JUMP, "USER@HOST, or USER@HOST:PORT")
    for name in ("site", "role", "serial", "model", "version"):
        _check_text(name, getattr(spec, name), LONGEST_WORD)
    if len(spec.notes) > LONGEST_NOTES:
        raise DeviceNotValid(f"notes have {len(spec.notes)} characters; at most {LONGEST_NOTES} are kept.")
    port = None if spec.port == PORTS[spec.transport] else spec.port
    return msgspec.structs.replace(
        spec, port=port, address=valid_address(spec.address), tags=valid_tags(spec.tags)
    )


def valid_address(text: str) -> str:
    """An IPv4 or IPv6 address or a DNS name, in canonical form. Raises DeviceNotValid."""
    bare = text.strip().lower().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if not _DNS.fullmatch(bare) or re.fullmatch(r"[\d.]+", bare):
        raise DeviceNotValid(f"address is an IPv4 or IPv6 address or a DNS name, not {text[:80]!r}.")
    return bare.removesuffix(".")


def valid_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in lower case, sorted, each once, the default tag among them. Raises DeviceNotValid."""
    found = {tag.strip().lower() for tag in tags} - {""} | {DEFAULT_TAG}
    for tag in found:
        if not _TAG.fullmatch(tag):
            raise DeviceNotValid(f"{tag[:80]!r} is no tag: use a-z, 0-9 and . _ : / -, at most 63.")
    return tuple(sorted(found))


def _check_word(name: str, value: str, pattern: re.Pattern[str], allowed: str) -> None:
    if not pattern.fullmatch(value):
        raise DeviceNotValid(f"{name} {value[:80]!r}: use {allowed}.")


def _check_text(name: str, value: str, longest: int) -> None:
    if len(value) > longest or not (value.isprintable() or not value):
        raise DeviceNotValid(f"{name} is one line of at most {longest} characters, not {value[:80]!r}.")
