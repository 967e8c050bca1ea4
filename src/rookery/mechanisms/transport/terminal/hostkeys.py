"""Which host keys are trusted: what is known of a host, and what becomes of a key never seen before."""

from __future__ import annotations

from typing import Literal, Protocol

Trust = Literal["first-use", "strict", "off"]


class HostKeys(Protocol):
    """Remembers the host keys of devices, in OpenSSH's one-line form `type base64`."""

    def known(self, host: str, port: int) -> frozenset[str]:
        """The keys that this host has shown and that are trusted."""
        ...

    def trust(self, host: str, port: int, key: str) -> None:
        """From now on this key is the host's."""
        ...


class InMemory:
    """Forgets everything at the end of the process."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, int], set[str]] = {}

    def known(self, host: str, port: int) -> frozenset[str]:
        """The keys of this host."""
        return frozenset(self._keys.get((host, port), ()))

    def trust(self, host: str, port: int, key: str) -> None:
        """Remember a key."""
        self._keys.setdefault((host, port), set()).add(key)
