"""What can be asked of devices; documented in docs/reference/filters.md."""

from __future__ import annotations

from rookery.domains.devices.models import Device
from rookery.mechanisms.filters.grammar import Field, Vocabulary
from rookery.mechanisms.filters.meaning import Meaning

FIELDS = (
    Field("name", "pattern", "name; `*` and `?` stand for any characters and any one"),
    Field("address", "pattern", "IPv4 or IPv6 address, or DNS name"),
    Field("port", "number", "port, where one is given; also `>`, `<`, …"),
    Field("platform", "pattern", "platform, `ios`"),
    Field("transport", "pattern", "ssh or telnet"),
    Field("tag", "list", "a tag"),
    Field("site", "pattern", 'site; `site:""` is none'),
    Field("role", "pattern", "role"),
    Field("serial", "pattern", "serial number"),
    Field("model", "pattern", "model"),
    Field("version", "pattern", "version of the operating system"),
    Field("enabled", "flag", "no: left out of backups"),
    Field("legacy", "flag", "yes: old algorithms are allowed"),
    Field("jump", "pattern", "host it is reached through"),
    Field("backup", "pattern", "what the last backup was: changed, unchanged, failed"),
    Field("backed", "past", "last backup: `backed<1d` within a day, `backed>7d` not for a week"),
    Field("seen", "past", "when it answered last"),
    Field("created", "past", "when it was added"),
    Field("id", "id", "id of the device, or its beginning"),
)
OTHER_NAMES = {"host": "name", "hostname": "name", "ip": "address", "os": "platform"}
VOCABULARY = Vocabulary(FIELDS, OTHER_NAMES)
MEANING = Meaning(
    VOCABULARY,
    {
        "name": Device.name,
        "address": Device.address,
        "port": Device.port,
        "platform": Device.platform,
        "transport": Device.transport,
        "tag": Device.tags,
        "site": Device.site,
        "role": Device.role,
        "serial": Device.serial,
        "model": Device.model,
        "version": Device.version,
        "enabled": Device.is_enabled,
        "legacy": Device.allows_legacy,
        "jump": Device.jump,
        "backup": Device.last_backup,
        "backed": Device.last_backup_us,
        "seen": Device.last_seen_us,
        "created": Device.created_us,
        "id": Device.id,
    },
    (Device.name, Device.address, Device.site, Device.role, Device.model, Device.serial, Device.notes),
)


def tagged(tag: str) -> str:
    """The filter that chooses what has a tag."""
    quoted = tag.replace("\\", "\\\\").replace('"', '\\"')
    return f'tag:"{quoted}"'
