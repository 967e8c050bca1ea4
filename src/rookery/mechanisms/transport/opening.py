"""All ports of a scan, made from one HTTP client, whose limits they share."""

from __future__ import annotations

from collections.abc import Sequence

from rookery.mechanisms.transport.http import HttpClient
from rookery.mechanisms.transport.ports import Allow, FilePort, Ports
from rookery.mechanisms.transport.resolver import DnsClient
from rookery.mechanisms.transport.tcp import TcpClient
from rookery.mechanisms.transport.tls import TlsClient


def ports_beside(
    http: HttpClient,
    allow: Allow,
    *,
    timeout: float = 10.0,
    resolvers: Sequence[str] = (),
    files: FilePort | None = None,
) -> Ports:
    """Ports for every protocol, for where `allow` lets them. `timeout` is in seconds, to connect and to shake
    hands; `resolvers` are the name servers that are asked (none: the system's)."""
    return Ports(
        http=http,
        tcp=TcpClient(allow, http.turns, timeout=timeout),
        dns=DnsClient(allow, http.turns, resolvers=resolvers),
        tls=TlsClient(allow, http.turns, timeout=timeout),
        files=files,
    )
