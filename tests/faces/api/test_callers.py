"""Whoever has been verified is believed for a moment, and not longer than until something changes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from rookery import app
from rookery.domains.users.document import User
from rookery.domains.users.permissions import Principal
from rookery.domains.users.rules import Role
from rookery.faces.api import access
from rookery.faces.api.access import Callers
from tests.faces.api.conftest import Client, Serving
from tests.patience import wait_for

ADA = Principal(user_id="1", username="ada", role=Role.VIEWER)


class Verifying:
    """Verifies everybody, and counts how often; given callers, something changes meanwhile."""

    def __init__(self, callers: Callers | None = None) -> None:
        self.times, self._callers = 0, callers

    async def __call__(self) -> Principal:
        self.times += 1
        if self._callers is not None:
            self._callers.forget()
        return ADA


def ask(callers: Callers, verify: Verifying, *secrets: str) -> None:
    with asyncio.Runner() as runner:
        for secret in secrets:
            assert runner.run(callers.who(secret, verify)) == ADA


def test_who_asks_again_at_once_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "BELIEVED_FOR", 3_600.0)
    verify = Verifying()
    ask(Callers(), verify, "a", "a")
    assert verify.times == 1


def test_who_asks_again_later_is_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "BELIEVED_FOR", -1.0)
    verify = Verifying()
    ask(Callers(), verify, "a", "a")
    assert verify.times == 2


def test_another_secret_is_anothers() -> None:
    verify = Verifying()
    ask(Callers(), verify, "a", "b")
    assert verify.times == 2


def test_who_was_being_verified_while_something_changed_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access, "BELIEVED_FOR", 3_600.0)
    callers = Callers()
    verify = Verifying(callers)
    ask(callers, verify, "a", "a")
    assert verify.times == 2


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "BELIEVED_FOR", 3_600.0)
    monkeypatch.setattr(access, "MOST_BELIEVED", 1)
    verify = Verifying()
    ask(Callers(), verify, "a", "b", "a")
    assert verify.times == 3


def test_what_another_process_revokes_lets_nobody_in_for_long(
    client: Client, rook: app.Rook, people: dict[str, User]
) -> None:
    asking = client("viewer")
    assert asking.get("/devices").status_code == 200
    [token] = rook.users.tokens(people["viewer"].id)
    rook.users.revoke_token(token.id)
    wait_for(lambda: asking.get("/devices").status_code == 401)


def test_a_role_that_is_taken_here_is_gone_with_the_next_request(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "BELIEVED_FOR", 3_600.0)
    admin, operator = client("admin"), client("operator")
    assert operator.get("/users").status_code == 200
    changed = admin.patch(
        f"/users/{people['operator'].id}", json={"role": "viewer"}, headers={"If-Match": "*"}
    )
    assert changed.status_code == 200
    assert operator.get("/users").status_code == 403


def test_a_password_changed_here_ends_other_sessions_with_their_next_request(
    serving: Serving, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "BELIEVED_FOR", 3_600.0)
    account = {"username": "admin", "password": "the owls are not what they seem"}
    with httpx.Client(base_url=serving.api) as mine, httpx.Client(base_url=serving.api) as other:
        for each in (mine, other):
            assert each.post("/session", json=account).status_code == 201
            assert each.get("/session").status_code == 200
        mine.headers["Sec-Fetch-Site"] = "same-origin"
        new = {"current": account["password"], "password": "and the river runs backwards"}
        assert mine.put("/password", json=new).status_code == 200
        assert other.get("/session").status_code == 401
