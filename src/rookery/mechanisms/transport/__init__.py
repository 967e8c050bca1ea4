"""The world outside, behind small ports: today one lean HTTP/1.1 client that a whole scan shares.

ports (what callers rely on) · http (the client) · dial, pool, connection, wire, body (its parts) ·
rate, pace, budget (politeness) · driver (runs the engine's templates over the port) ·
gate (lets programs that dial themselves through to what they may)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.base.lazy import homes_of, lazily

if TYPE_CHECKING:
    from rookery.mechanisms.engine.plan import Done
    from rookery.mechanisms.transport.driver import count_requests, reach, run_template, run_templates
    from rookery.mechanisms.transport.errors import (
        BadResponse,
        FileUnreadable,
        HostSkipped,
        HostUnreachable,
        NoPort,
        OutOfScope,
        ResolverFailed,
        ResponseTooLarge,
        SlowedDown,
        TimedOut,
        TlsFailed,
        TooManyRedirects,
        TransportError,
    )
    from rookery.mechanisms.transport.files import DiskFiles, MemoryFiles, files_below
    from rookery.mechanisms.transport.gate import Gate, Place
    from rookery.mechanisms.transport.http import HttpClient
    from rookery.mechanisms.transport.opening import ports_beside
    from rookery.mechanisms.transport.ports import Allow, HttpPort, Ports
    from rookery.mechanisms.transport.resolver import DnsClient
    from rookery.mechanisms.transport.tcp import TcpClient
    from rookery.mechanisms.transport.tls import TlsClient
    from rookery.mechanisms.transport.turns import Turns

__all__ = [
    "Allow",
    "BadResponse",
    "DiskFiles",
    "DnsClient",
    "Done",
    "FileUnreadable",
    "Gate",
    "HostSkipped",
    "HostUnreachable",
    "HttpClient",
    "HttpPort",
    "MemoryFiles",
    "NoPort",
    "OutOfScope",
    "Place",
    "Ports",
    "ResolverFailed",
    "ResponseTooLarge",
    "SlowedDown",
    "TcpClient",
    "TimedOut",
    "TlsClient",
    "TlsFailed",
    "TooManyRedirects",
    "TransportError",
    "Turns",
    "count_requests",
    "files_below",
    "ports_beside",
    "reach",
    "run_template",
    "run_templates",
]

__getattr__ = lazily(
    __name__,
    homes_of(
        {
            "rookery.mechanisms.engine.plan": "Done",
            "rookery.mechanisms.transport.driver": "count_requests reach run_template run_templates",
            "rookery.mechanisms.transport.errors": (
                "BadResponse FileUnreadable HostSkipped HostUnreachable NoPort OutOfScope "
                "ResolverFailed ResponseTooLarge SlowedDown TimedOut TlsFailed TooManyRedirects "
                "TransportError"
            ),
            "rookery.mechanisms.transport.files": "DiskFiles MemoryFiles files_below",
            "rookery.mechanisms.transport.gate": "Gate Place",
            "rookery.mechanisms.transport.http": "HttpClient",
            "rookery.mechanisms.transport.opening": "ports_beside",
            "rookery.mechanisms.transport.ports": "Allow HttpPort Ports",
            "rookery.mechanisms.transport.resolver": "DnsClient",
            "rookery.mechanisms.transport.tcp": "TcpClient",
            "rookery.mechanisms.transport.tls": "TlsClient",
            "rookery.mechanisms.transport.turns": "Turns",
        }
    ),
)
"""Most of it imports the engine, which is slow."""
