"""Endpoints: what a person may name to be scanned, and what kind of thing each is.

A URL; a host (`router.lan`, `192.0.2.7`, `2001:db8::7`); a host with a port (`router.lan:8443`); or the path
of files, which begins with `/`, `./`, `../` or `~`, for a bare word is a host; or the stored configurations
of devices, `device:r1`.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from rookery.domains.scans.errors import BadTarget
from rookery.domains.scans.scope import as_network

Kind = Literal["url", "host", "host:port", "path", "device"]

STORED: Final = "device:"
"""What stored configurations begin with."""
LONGEST = 2_000  # characters
PATH = re.compile(r"(/|\.{1,2}(/|$)|~)")
UNFIT = re.compile(r"[\s\x00-\x1f\x7f]")


class ParsedEndpoint(NamedTuple):
    """An endpoint in its canonical form, and its kind."""

    kind: Kind
    address: str

    @property
    def target(self) -> str:
        """What a scan is given: a URL, where nothing else is said over http; of files, the path."""
        return f"http://{self.address}" if self.kind in ("host", "host:port") else self.address


def parse_endpoint(text: str) -> ParsedEndpoint:
    """The endpoint a person typed. BadTarget says what is wrong with it."""
    text = text.strip()
    if len(text) > LONGEST:
        raise BadTarget(f"A target of {len(text):,} characters is too long; {LONGEST:,} are allowed.")
    if names_files(text):
        return _path(text.removeprefix("file://"))
    if text.startswith(STORED):
        return _stored(text)
    if "://" in text:
        return ParsedEndpoint("url", _checked(text, text))
    if _is_address(text):
        host = text.strip("[]")
        return ParsedEndpoint("host", f"[{host}]" if ":" in host else host)
    url = _checked(f"http://{text}", text)
    if re.search(r"[/?#]", text):
        return ParsedEndpoint("url", url)
    return ParsedEndpoint("host:port" if urlsplit(url).port else "host", text.lower())


def names_files(text: str) -> bool:
    """Whether what a person typed is the path of files."""
    return text.strip().startswith("file://") or PATH.match(text.strip()) is not None


def is_path(target: str) -> bool:
    """Whether a target, as a plan holds it, is that of files, stored ones too; anything else is a URL."""
    return target.startswith(("/", STORED))


def host_of(target: str) -> str:
    """The host of a target, or a network, as the scope asks for it; that of files is none."""
    if is_path(target) or as_network(target) is not None:
        return "" if is_path(target) else target
    return urlsplit(target if "://" in target else f"//{target}").hostname or ""


def _path(text: str) -> ParsedEndpoint:
    try:
        return ParsedEndpoint("path", str(Path(text).expanduser().absolute()))
    except RuntimeError as error:  # ~nobody
        raise BadTarget(f"{text!r} is no path: {error}") from None


def _stored(text: str) -> ParsedEndpoint:
    if not text.removeprefix(STORED).strip():
        raise BadTarget("Say which device: device:r1, device:* for all, or a filter: device:tag:core.")
    return ParsedEndpoint("device", text)


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return False


def _checked(url: str, said: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadTarget(f"That target is not a URL: {error}.") from None
    if parts.username is not None or parts.password is not None:
        raise BadTarget("A target must not carry a user name or password.")
    if parts.scheme not in ("http", "https"):
        raise BadTarget(f"{said!r} cannot be scanned: only http:// and https:// URLs can.")
    if not parts.hostname or UNFIT.search(url):
        raise BadTarget(f"{said!r} is not a URL; give one such as http://127.0.0.1:8080.")
    return url
