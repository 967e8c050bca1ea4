"""Who may come from afar, and what they are told who may not, or find nobody there."""

from __future__ import annotations

import pytest

import rookery
from rookery.demo.server import WeakServer
from rookery.domains.users.errors import NotAuthenticated, NotPermitted
from rookery.faces.client.errors import AddressNotValid, NotRookery, ServerUnreachable, TokenUnusable
from tests.faces.api.conftest import Serving
from tests.faces.client.conftest import Introduce


def test_what_somebody_may_not_they_may_not_from_afar(introduce: Introduce) -> None:
    viewer = introduce("viewer")
    assert viewer("devices.list") == []
    with pytest.raises(NotPermitted, match="devices:write"):
        viewer("devices.create", "r1", "192.0.2.1", "ios")
    narrow = introduce("admin", "findings:read")
    assert narrow("findings.list") == []
    with pytest.raises(NotPermitted, match="devices:read"):
        narrow("devices.list")


def test_a_call_with_the_wrong_arguments_is_wrong_before_it_is_sent(introduce: Introduce) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        introduce("viewer")("devices.list", colour="red")


def test_a_token_may_end_with_a_line_break_but_has_to_be_one(serving: Serving) -> None:
    for wrong in ("", " ", "rk_\u00e9", "rk_a\nb"):
        with pytest.raises(TokenUnusable, match="rookery tokens create"):
            rookery.connect(serving.url, wrong)
    with pytest.raises(NotAuthenticated):  # it is sent, and is nobody's
        rookery.connect(serving.url, "rk_aaaaaaaa_nobodys\n")


def test_whoever_connects_is_told_at_once_what_is_wrong(serving: Serving, weak_server: WeakServer) -> None:
    with pytest.raises(NotAuthenticated):
        rookery.connect(serving.url, "rk_aaaaaaaa_nobodys")
    with pytest.raises(ServerUnreachable, match="rookery up"):
        rookery.connect("http://127.0.0.1:9", "rk_x")
    with pytest.raises(NotRookery, match="404"):
        rookery.connect(weak_server.url, "rk_x")
    for wrong in ("127.0.0.1:8640", "ftp://127.0.0.1", "http://", "http://[::1"):
        with pytest.raises(AddressNotValid):
            rookery.connect(wrong, "rk_x")
