"""How guessing is slowed down, and nobody locked out. Pure.

Failures are counted per account and per address, from which it follows what has to be waited: five are free,
then 1, 2, 4 … 300 seconds. From a network where somebody has logged in before, only what fails there for this
very account counts, so that others who guess elsewhere do not keep a person out.

After an hour without a failure an account starts anew. A guesser who waits for that gets 14 attempts in 69
minutes; one who goes on gets 12 an hour. It helps the person who mistyped, and nobody else.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Final

from rookery.domains.users.rules import one_line

FREE: Final = 5
LONGEST_WAIT: Final = 300  # seconds
FORGOTTEN_AFTER: Final = timedelta(hours=1)

_IPV6_NETWORK: Final = 64  # bits: what one customer has to choose addresses from


def wait_after(failures: int) -> int:
    """Seconds until the next attempt, after so many failures in a row."""
    if failures <= FREE:
        return 0
    return min(1 << min(failures - FREE - 1, 10), LONGEST_WAIT)


def network_of(address: str | None) -> str:
    """What counts as one place: an IPv4 address, a /64 of IPv6; empty where nothing is known."""
    if not address:
        return ""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return one_line(address)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))


def keys_of(account: str, network: str, *, is_known: bool) -> list[str]:
    """What counts the failures of an attempt, in the order in which rows are locked."""
    if is_known:
        return [f"at {network} {account}"]
    return sorted([f"account {account}", *([f"address {network}"] if network else [])])
