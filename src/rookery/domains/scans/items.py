"""What tools find beside weaknesses: the things of a network, each with the fields that make it what it is.

`_identity` names those fields; two items that agree in them are one. Times are RFC 3339, numbers as they are
said. `Vulnerability` is in the domain of findings.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.mechanisms.hooks import Item


class Subdomain(Item):
    """A name below a domain; `verified` when it resolved."""

    _identity = ("host", "domain")

    host: str
    domain: str
    verified: bool = False
    sources: list[str] = msgspec.field(default_factory=list)


class Ip(Item):
    """An address; `alive` when something there answered, `protocol` is IPv4 or IPv6."""

    _identity = ("ip", "alive", "protocol")

    ip: str
    alive: bool = False
    protocol: str = "IPv4"
    host: str = ""


class Port(Item):
    """A port of an address, and the service behind it as far as it is known."""

    _identity = ("port", "ip", "protocol", "state")

    port: int
    ip: str
    state: str = "open"
    protocol: str = "tcp"
    host: str = ""
    service_name: str = ""
    product: str = ""
    version: str = ""
    cpes: list[str] = msgspec.field(default_factory=list)
    confidence: str = "low"


class Record(Item):
    """A DNS record: its owner (`host`), its `type`, and what it says (`name`)."""

    _identity = ("name", "type", "host")

    name: str
    type: str
    host: str


class Url(Item):
    """A page or service that answers at a URL."""

    _identity = ("url",)

    url: str
    host: str = ""
    status_code: int = 0
    title: str = ""
    webserver: str = ""
    tech: list[str] = msgspec.field(default_factory=list)
    content_type: str = ""
    content_length: int = 0
    method: str = "GET"


class Technology(Item):
    """A product, seen at `match` (host:port or a URL)."""

    _identity = ("product", "match", "version")

    product: str
    match: str
    version: str = ""


class Certificate(Item):
    """A TLS certificate that a host presents; `match` says where."""

    _identity = ("host", "fingerprint_sha256")

    host: str
    fingerprint_sha256: str
    match: str = ""
    ip: str = ""
    subject_cn: str = ""
    subject_an: list[str] = msgspec.field(default_factory=list)
    issuer_cn: str = ""
    not_before: str = ""
    not_after: str = ""
    serial_number: str = ""
    keysize: int = 0
    self_signed: bool = False


class Tag(Item):
    """A remark about `match`: something with a name and a value that is of no other type."""

    _identity = ("name", "value", "match", "category")

    name: str
    value: str
    match: str
    category: str = "general"


class Domain(Item):
    """A registered domain, as a registry tells it."""

    _identity = ("domain", "alive", "_source")

    domain: str
    alive: bool = False
    creation_date: str = ""
    expiration_date: str = ""
    registrar: str = ""
    status: list[str] = msgspec.field(default_factory=list)


def in_words(item: Item) -> str:
    """What an item is, in one line for people: what it is called by, and what else is good to know."""
    if isinstance(item, Port):
        shown = f"[{item.ip}]" if ":" in item.ip else item.ip
        place = f"{shown}:{item.port}/{item.protocol}"
        words = [place, item.service_name, item.product, item.version]
    elif isinstance(item, Ip):
        words = [item.ip, item.host, "" if item.alive else "no answer"]
    elif isinstance(item, Technology):
        words = [item.match, item.product, item.version]
    elif isinstance(item, Certificate):
        names = ", ".join(item.subject_an[:3]) or item.subject_cn
        words = [item.match or item.host, names, f"until {item.not_after[:10]}" if item.not_after else ""]
    else:
        words = [str(getattr(item, name)) for name in item._identity if not name.startswith("_")]
    return "  ".join(word for word in words if word)


def as_row(item: Item) -> dict[str, Any]:
    """An item as `--json` and `--jsonl` show it."""
    fields = msgspec.structs.asdict(item)
    return {"_type": item._type} | {name: value for name, value in fields.items() if name[0] != "_"}
