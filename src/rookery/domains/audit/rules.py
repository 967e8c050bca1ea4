"""What an entry is, as bytes, and how entries are chained. Pure; see docs/decisions/0004-audit-chain.md.

    payload = id ⏎ at_us ⏎ type ⏎ actor ⏎ object ⏎ request_id ⏎ details     UTF-8, seven lines
    hash    = SHA-256(previous entry's hash ‖ SHA-256(payload))

No field holds a line break (details are JSON on one line), so seven lines have one reading. The payload is
composed once, in the producer; it is what the spool holds, what is hashed, and, line by line, what the
columns of the row hold. A verifier joins the columns again: there is no second copy that could differ.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from rookery.base.redact import is_secret_key, redact, redact_text
from rookery.domains.audit.errors import EntryNotValid

DIGEST: Final = 32
"""Bytes of a SHA-256."""
GENESIS: Final = bytes(DIGEST)
"""What stands for the hash before the first entry."""
LINE_BREAKS: Final = 6
"""Line breaks in a payload."""
LONGEST_FIELD: Final = 1_000
"""Characters of actor, object and request_id."""
LARGEST_DETAILS: Final = 65_536
"""Bytes of the details, as JSON."""

# Objects other than dicts are refused: redaction does not look inside them.
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class AuditEntry(msgspec.Struct, frozen=True, gc=False):
    """Who did what to which object, and when.

    `at_us` is the moment of `record()`, in microseconds since 1970 UTC. `details_json` is JSON with sorted
    keys and masked secrets, exactly as it is hashed. `position` (from 1) and `hash` (hexadecimal) are the
    place in the chain, which an entry has once it is stored.
    """

    id: str
    at_us: int
    event_type: str
    actor: str
    object: str
    request_id: str
    details_json: str
    position: int | None = None
    hash: str | None = None

    @property
    def details(self) -> dict[str, Any]:
        """The details, decoded anew at each call."""
        details: dict[str, Any] = orjson.loads(self.details_json)
        return details


def payload_of(entry: AuditEntry) -> bytes:
    """The seven lines of an entry, which are what is hashed."""
    return (
        f"{entry.id}\n{entry.at_us}\n{entry.event_type}\n{entry.actor}\n{entry.object}"
        f"\n{entry.request_id}\n{entry.details_json}"
    ).encode()


def chained(previous: bytes, payload: bytes) -> bytes:
    """The hash of an entry: over the hash before it and over its payload's own hash."""
    return sha256(previous + sha256(payload).digest()).digest()


Row = tuple[int, bytes, bytes, bytes]
"""A stored entry for verification: position, payload, the stored hash before it, the stored hash."""


class Head(NamedTuple):
    """The end of a chain: how many entries there have ever been, and the hash of the last."""

    size: int = 0
    hash: bytes = GENESIS


def link(payloads: list[bytes], head: Head) -> tuple[list[tuple[Any, ...]], Head]:
    """The rows of the entry table that these payloads become after `head`, and the head after them.

    `at_us` stays text, which the column makes a number: this loop is a third of what storing costs.
    """
    position, previous = head
    rows = []
    for position, payload in enumerate(payloads, position + 1):  # noqa: B020  goes on from the head
        digest = sha256(previous + sha256(payload).digest()).digest()
        rows.append((position, *payload.decode().split("\n"), previous, digest))
        previous = digest
    return rows, Head(position, previous)


def details_json(details: dict[str, Any] | None) -> str:
    """Details as canonical JSON: sorted keys, no spaces, secrets masked. Raises EntryNotValid."""
    if details is None:
        return "{}"
    text = _encoded(details)
    # To search the whole text, and each set of keys once, costs a third of what looking at every value does.
    # It may suspect too much, and then every value is looked at; only a plain and flat text is cleared by it.
    if (
        text.find("{", 1) < 0
        and "\\" not in text
        and redact_text(text) is text
        and not _any_secret(tuple(details))
    ):
        return text
    return _encoded(redact(details))


def _encoded(details: dict[str, Any]) -> str:
    if details.__class__ is not dict and not isinstance(details, dict):
        raise EntryNotValid(f"the details of an audit entry must be a dict, not {type(details).__name__}")
    try:
        encoded = orjson.dumps(details, option=_CANONICAL)
    except TypeError as error:
        raise EntryNotValid(f"the details of an audit entry must be JSON: {error}") from None
    if len(encoded) > LARGEST_DETAILS:
        raise EntryNotValid(
            f"the details take {len(encoded)} bytes as JSON; at most {LARGEST_DETAILS} are stored"
        )
    return encoded.decode()


@lru_cache(maxsize=4096)
def _any_secret(keys: tuple[str, ...]) -> bool:
    return any(map(is_secret_key, keys))


def check_fields(actor: str, object_: str, request_id: str) -> bool:
    """Raise EntryNotValid unless each is one line of bounded text; whether there may be a secret in them."""
    try:
        joined = actor + object_ + request_id
    except TypeError:
        joined = "\n"
    if len(joined) > LONGEST_FIELD or not joined.isprintable():
        for name, value in (("actor", actor), ("object", object_), ("request_id", request_id)):
            check_field(name, value)
    return redact_text(joined) is not joined


def check_field(name: str, value: str) -> None:
    """Raise EntryNotValid unless `value` is text of bounded length, without control characters."""
    if not isinstance(value, str):
        raise EntryNotValid(f"{name} must be text, not {type(value).__name__}")
    if len(value) > LONGEST_FIELD:
        raise EntryNotValid(f"{name} has {len(value)} characters; at most {LONGEST_FIELD} are stored")
    if not value.isprintable() and (_CONTROL.search(value) or not _is_unicode(value)):
        raise EntryNotValid(f"{name} holds a control character; escape it")


def _is_unicode(value: str) -> bool:
    """Whether the text has no lone surrogate, which UTF-8 cannot express."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
