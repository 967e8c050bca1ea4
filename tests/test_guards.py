"""The test suite's own guards hold."""

from __future__ import annotations

import socket

import pytest


def test_no_socket_leaves_this_machine() -> None:
    """192.0.2.0/24 is for documentation, and routed nowhere (RFC 5737)."""
    with socket.socket() as tcp, pytest.raises(AssertionError, match="loopback only"):
        tcp.connect(("192.0.2.1", 80))
    with socket.socket(type=socket.SOCK_DGRAM) as udp, pytest.raises(AssertionError, match="loopback only"):
        udp.sendto(b"?", ("192.0.2.1", 53))
