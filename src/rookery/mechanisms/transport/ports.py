"""What the rest of the house may rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rookery.mechanisms.engine import Request, Response

Allow = Callable[[str, str, int], bool]  # (host as asked for, address it led to, port) -> may it be dialled


class HttpPort(Protocol):
    """Sends one request and gives its response."""

    async def send(self, request: Request) -> Response:
        """The response, its body bounded. TransportError or OutOfScope, in one line, when there is none."""
        ...
