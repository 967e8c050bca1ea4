"""The scope: what may be scanned. Loopback always; anything else only when a person added it. Pure.

An entry is an address (`192.0.2.7`), a network (`192.0.2.0/24`, `2001:db8::/32`), a host name (`router.lan`)
or all names below a domain (`*.lab.example`). The check happens at dial time, with the name that was asked
for and the address it led to, so neither a redirect nor a changed DNS answer gets around it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from rookery.domains.scans.errors import BadScopeEntry

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HOST_NAME = re.compile(r"(\*\.)?(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
LONGEST_NAME = 253


def parse_entry(text: str) -> str:
    """The canonical form of an entry a person typed; BadScopeEntry says what is wrong with it."""
    entry = text.strip().lower()
    network = as_network(entry)
    if network is not None:
        return str(network.network_address) if network.num_addresses == 1 else str(network)
    if "/" in entry or _looks_like_address(entry):
        raise BadScopeEntry(
            f"{text!r} is not an address or network; give 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."
        )
    if len(entry) > LONGEST_NAME or not HOST_NAME.fullmatch(entry):
        raise BadScopeEntry(
            f"{text!r} is not a host name; give router.lan, *.lab.example, 192.0.2.7 or 192.0.2.0/24."
        )
    return entry.rstrip(".")


def as_network(entry: str) -> Network | None:
    """The network an entry means, None for a name. A network with host bits set is refused."""
    try:
        return ipaddress.ip_network(entry.strip("[]"))
    except ValueError:
        return None


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _looks_like_address(entry: str) -> bool:
    return ":" in entry or re.fullmatch(r"[0-9.]+", entry) is not None


class Scope:
    """A set of entries, made quick to ask, before a name is resolved and again when it is dialled."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        networks, names = [], set()
        for entry in entries:
            network = as_network(entry)
            if network is None:
                names.add(entry)
            else:
                networks.append(network)
        self._networks: tuple[Network, ...] = tuple(networks)
        self._names = frozenset(names)

    @property
    def is_anything(self) -> bool:
        """Whether there is no address outside: 0.0.0.0/0 and ::/0 are both in it."""
        return {network.version for network in self._networks if not network.prefixlen} == {4, 6}

    def admits(self, host: str) -> bool:
        """Whether a target may be tried at all, by its name alone: nothing is resolved for a stranger.

        Of a network, all must be in the scope, within one entry of it.
        """
        host = _plain(host)
        if "/" in host:
            return self._allows_network(host)
        return (
            host == "localhost"
            or host.endswith(".localhost")
            or self._allows_name(host)
            or self._allows(host)
        )

    def allows(self, host: str, address: str) -> bool:
        """Whether `host` may be dialled at `address`, the one it led to just now."""
        return self._allows_name(_plain(host)) or self._allows(address)

    def _allows_name(self, host: str) -> bool:
        labels = host.split(".")
        above = ("*." + ".".join(labels[start:]) for start in range(1, len(labels)))
        return host in self._names or any(name in self._names for name in above)

    def _allows_network(self, text: str) -> bool:
        network = as_network(text)
        if network is None:
            return False
        return network.is_loopback or any(_contains(outer, network) for outer in self._networks)

    def _allows(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or any(address in network for network in self._networks)


def _contains(outer: Network, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
