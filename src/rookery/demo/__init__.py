"""Things to look at without touching anybody: a deliberately weak web server on loopback."""

from __future__ import annotations

from rookery.demo.server import WeakServer

__all__ = ["WeakServer"]
