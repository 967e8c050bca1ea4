"""What makes two sightings the same weakness, and how bad a weakness is. Pure functions."""

from __future__ import annotations

import hashlib
import uuid
from enum import IntEnum
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
FINGERPRINT_VERSION = "v1"


class Severity(IntEnum):
    """How bad; nuclei's words, ordered, so that `>=` means 'at least as bad'."""

    UNKNOWN = 0
    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """The lower-case word people and templates use."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        """The severity of a template's word; anything nuclei does not know is UNKNOWN."""
        return cls.__members__.get(word.strip().upper(), cls.UNKNOWN)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, lower-case host and port of a URL, the port made explicit (0 where a scheme has none)."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme, 0)


def fingerprint(template_id: str, matcher: str, matched_at: str) -> str:
    """The identity of a weakness on a target: 64 hex digits.

    Template, matcher, scheme, host, port and path count. Severity, title, query, extracted values and time do
    not: a template that is re-scored, or a page that shows another version, is still the same weakness.
    """
    scheme, host, port = origin(matched_at)
    path = urlsplit(matched_at).path or "/"
    identity = "\0".join((FINGERPRINT_VERSION, template_id, matcher, scheme, host, str(port), path))
    return hashlib.sha256(identity.encode()).hexdigest()


def finding_id(print_: str) -> str:
    """The id of a finding, made from its fingerprint: a UUIDv8 (RFC 9562 §5.8).

    Deterministic, so that a scan can name the finding before any storage has been asked whether it is new.
    """
    bits = int(print_[:32], 16)
    bits = bits & ~(0xF << 76) | (0x8 << 76)
    bits = bits & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=bits))
