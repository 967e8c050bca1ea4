"""The world outside, behind small ports: today one lean HTTP/1.1 client that a whole scan shares.

ports (what callers rely on) · http (the client) · dial, pool, wire, body (its parts) · rate, budget
(politeness) · driver (runs the engine's templates over the port)."""

from __future__ import annotations

from rookery.mechanisms.transport.driver import Done, count_requests, reach, run_template, run_templates
from rookery.mechanisms.transport.errors import (
    BadResponse,
    HostSkipped,
    HostUnreachable,
    OutOfScope,
    ResponseTooLarge,
    TimedOut,
    TlsFailed,
    TooManyRedirects,
    TransportError,
)
from rookery.mechanisms.transport.http import HttpClient
from rookery.mechanisms.transport.ports import Allow, HttpPort

__all__ = [
    "Allow",
    "BadResponse",
    "Done",
    "HostSkipped",
    "HostUnreachable",
    "HttpClient",
    "HttpPort",
    "OutOfScope",
    "ResponseTooLarge",
    "TimedOut",
    "TlsFailed",
    "TooManyRedirects",
    "TransportError",
    "count_requests",
    "reach",
    "run_template",
    "run_templates",
]
