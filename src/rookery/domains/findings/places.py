"""Where a weakness is: the parts of a URL, a host and port, a file or a name. Pure, and for any text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
NAMED = frozenset({"file", "dns", "whois"})
"""Types whose matches are at a name or a path, not at a host and port."""


_AFTER_SCHEME = re.compile(r"([^/?#]*)([^?#]*)")


class Place(NamedTuple):
    """The parts of where a match was; a file's or a record's whole name is its `path`. Port 0: none."""

    scheme: str
    host: str
    port: int
    path: str


@lru_cache(maxsize=4096)
def place_of(matched_at: str, kind: str = "http") -> Place:
    """The parts of a URL, of `host:port`, or of a name; never raises, whatever the text.

    The host is in lower case and the default port explicit. Query and fragment are no part of a place.
    """
    if kind in NAMED and "://" not in matched_at:
        return Place("", "", 0, matched_at.lower().rstrip(".") if kind == "dns" else matched_at)
    scheme, divider, rest = matched_at.partition("://")
    if not divider:
        return Place("", *_host_and_port(matched_at.partition("/")[0]), "")
    scheme = scheme.lower()
    authority, path = _divided(rest)
    host, port = _host_and_port(authority.rpartition("@")[2])
    return Place(scheme, host, port or DEFAULT_PORTS.get(scheme, 0), path or "/")


@lru_cache(maxsize=4096)
def origin_of(url: str) -> str:
    """Scheme, host and, unless it is the scheme's own, port of a URL, in one spelling."""
    scheme, host, port, _ = place_of(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port in (0, DEFAULT_PORTS.get(scheme)) else f"{scheme}://{shown}:{port}"


@lru_cache(maxsize=4096)
def canonical_target(target: str) -> str:
    """One spelling for one target: host in lower case, no default port, no slash at the end of its path.

    A path stays: what was scanned at /app is no sign of what is, or is not, at /. A file or name is as it is.
    """
    if "://" in target:
        return origin_of(target) + place_of(target).path.rstrip("/")
    host, colon, port_text = target.rpartition(":")
    return f"{host.lower()}:{port_text}" if colon and port_text.isdigit() else target


def _divided(rest: str) -> tuple[str, str]:
    """Authority and path of what follows `://`, whatever it is; urlsplit would refuse some of it."""
    match = _AFTER_SCHEME.match(rest)
    return (match[1], match[2]) if match else ("", "")


@lru_cache(maxsize=4096)
def _host_and_port(authority: str) -> tuple[str, int]:
    host, colon, port = authority.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5):
        host, port = authority.removesuffix(":"), "0"
    elif ":" in host and not host.startswith("["):  # an IPv6 address without brackets has no port
        host, port = authority, "0"
    return host.strip("[]").lower(), int(port)
