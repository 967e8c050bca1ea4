"""Rookery: a self-hosted watchtower for networks.

    with rookery.open("data") as rook: ...
    async with rookery.aopen("data") as rook: ...

What is on another machine is opened by `connect` and `aconnect`, with a token:

    with rookery.connect("https://rookery.example.net", token) as rook: ...

What is listed here is imported when it is first asked for, so that `import rookery` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.app import AsyncRook, Rook, aopen, open  # noqa: A004
    from rookery.base import errors
    from rookery.domains.scans.plan import ScanPlan, ScanResult
    from rookery.faces.client.house import AsyncRemoteRook, RemoteRook, aconnect, connect
    from rookery.mechanisms.hooks import hook

__version__ = "0.1.0"

__all__ = [
    "AsyncRemoteRook",
    "AsyncRook",
    "RemoteRook",
    "Rook",
    "ScanPlan",
    "ScanResult",
    "__version__",
    "aconnect",
    "aopen",
    "connect",
    "errors",
    "hook",
    "open",
]

_HOMES = {
    "AsyncRemoteRook": "rookery.faces.client.house",
    "AsyncRook": "rookery.app",
    "RemoteRook": "rookery.faces.client.house",
    "Rook": "rookery.app",
    "ScanPlan": "rookery.domains.scans.plan",
    "ScanResult": "rookery.domains.scans.plan",
    "aconnect": "rookery.faces.client.house",
    "aopen": "rookery.app",
    "connect": "rookery.faces.client.house",
    "errors": "rookery.base",
    "hook": "rookery.mechanisms.hooks",
    "open": "rookery.app",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'rookery' has no attribute {name!r}")
    if name == "errors":
        return import_module("rookery.base.errors")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
