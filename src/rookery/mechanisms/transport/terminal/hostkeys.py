"""Which host keys are trusted: what is known of hosts, and what becomes of a key never seen before."""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Literal

from rookery.mechanisms.transport.terminal.errors import HostKeyChanged, HostKeyUnknown

log = logging.getLogger(__name__)

Trust = Literal["first-use", "strict", "off"]
Place = tuple[str, int]
"""Host and port."""


class KnownHosts:
    """Host keys in OpenSSH's one-line form `type base64`; `fresh` are those trusted since, to be kept."""

    def __init__(self, keys: Mapping[Place, Iterable[str]] | None = None) -> None:
        self._keys = {place: set(known) for place, known in (keys or {}).items()}
        self.fresh: dict[Place, str] = {}

    def of(self, host: str, port: int) -> frozenset[str]:
        """The keys by which this host is known."""
        return frozenset(self._keys.get((host, port), ()))

    def trust(self, host: str, port: int, key: str) -> None:
        """From now on this key is the host's."""
        self._keys.setdefault((host, port), set()).add(key)
        self.fresh[host, port] = key


def judged(key: str, known: Collection[str], trust: Trust, where: str) -> str:
    """The key, if it is to be the host's from now on; empty when it is known already, or not to be checked.

    Raises HostKeyChanged, HostKeyUnknown.
    """
    shows = f"{where} shows {fingerprint(key)}"
    if trust == "off":
        log.warning("%s: not checked, for this device's host key checking is off", shows)
        return ""
    if key in known:
        return ""
    if known:
        raise HostKeyChanged(f"{shows}. {HostKeyChanged.__doc__}")
    if trust == "strict":
        raise HostKeyUnknown(f"{shows}. {HostKeyUnknown.__doc__}")
    return key


def fingerprint(key: str) -> str:
    """What OpenSSH shows of a key: `SHA256:` and 43 characters."""
    return "SHA256:" + b64encode(sha256(b64decode(key.split()[1])).digest()).decode().rstrip("=")
