"""What nmap may be given: a host, a host and port, a network; or a URL, of which these are taken. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from rookery.domains.scans.errors import BadTarget
from rookery.domains.scans.scope import HOST_NAME, LONGEST_NAME, as_network

# nmap takes 192.0.2.1-9 and 192.0.2.* for many addresses: what has no letter in its last label is no name.
NAME = re.compile(r"(.*\.)?[^.]*[a-z][^.]*\.?")


def parse_host(text: str) -> str:
    """`host`, `host:port` (`[::1]:22`) or `network`, in the one way to write it. Raises BadTarget."""
    wanted = text.strip().lower()
    if re.search(r"\s", wanted):
        raise BadTarget(f"{text!r} is no host: give one at a time.")
    network = None if "://" in wanted else as_network(wanted)
    if network is not None:
        return str(network.network_address) if network.num_addresses == 1 else str(network)
    host, port = _divided(wanted, text)
    if as_network(host) is None and not _is_name(host):
        raise BadTarget(
            f"{text!r} is no host; give 192.0.2.7, router.lan:22, [2001:db8::1]:22 or 192.0.2.0/24."
        )
    return host if port is None else f"{f'[{host}]' if ':' in host else host}:{port}"


def host_and_port(endpoint: str) -> tuple[str, int | None]:
    """The parts of what `parse_host` returned; a network is a host without a port."""
    if as_network(endpoint) is not None:
        return endpoint, None
    parts = urlsplit(f"//{endpoint}")
    return parts.hostname or "", parts.port


def ports_of(endpoints: Iterable[str]) -> tuple[int, ...]:
    """The ports to look at: those of the endpoints when each names one, else none in particular."""
    ports = {host_and_port(endpoint)[1] for endpoint in endpoints}
    return () if None in ports else tuple(sorted(port for port in ports if port is not None))


def _divided(wanted: str, text: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(wanted if "://" in wanted else f"//{wanted}")
        port = parts.port
    except ValueError as error:
        raise BadTarget(f"{text!r} is no host: {error}.") from None
    if parts.username is not None or not parts.hostname or (parts.path.strip("/") and not parts.scheme):
        raise BadTarget(f"{text!r} is neither a host nor a network.")
    return parts.hostname, port


def _is_name(host: str) -> bool:
    return (
        len(host) <= LONGEST_NAME
        and HOST_NAME.fullmatch(host) is not None
        and NAME.fullmatch(host) is not None
        and not host.startswith("*")
    )
