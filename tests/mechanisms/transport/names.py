"""A name whose answer changes. The system's resolver is the one server that a test cannot have of its own."""

from __future__ import annotations

import socket
from typing import Any

import pytest

NAME = "rebinding.test"


class ChangingName:
    """From now on NAME leads to these addresses in turn, one per look-up; `asked` counts those."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
        self._addresses, self._real = addresses, socket.getaddrinfo
        self.asked = 0
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: Any, *arguments: Any, **options: Any) -> Any:
        if host == NAME:
            host = self._addresses[min(self.asked, len(self._addresses) - 1)]
            self.asked += 1
        return self._real(host, *arguments, **options)
