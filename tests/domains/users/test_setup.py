"""The first admin: by a link that works once, for half an hour, as long as there is no user."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rookery.domains.users import logging_in, setup, store
from rookery.domains.users.errors import PasswordTooWeak, SetupLinkRefused, SetupOver, UserNotValid
from rookery.domains.users.rules import SETUP_LIFE
from tests.conftest import Call
from tests.domains.users.people import PASSWORD, add, at_once, audited, everything_stored, pass_time


def token(call: Call) -> str:
    link = call(setup.setup_link)
    assert link.startswith("/setup?token=")
    return str(link.partition("=")[2])


def test_the_link_makes_the_first_admin(call: Call) -> None:
    secret = token(call)
    made = call(setup.set_up, secret, "ada", PASSWORD)
    assert (made.role, made.is_enabled) == ("admin", True)
    assert call(logging_in.authenticate, "ada", PASSWORD).id == made.id
    kinds = [kind for kind, _, _ in audited(call)]
    assert kinds == ["setup_link.issued", "user.created", "setup.completed", "login.succeeded"]
    assert secret not in everything_stored(call)


def test_it_works_once_and_there_is_none_once_there_is_a_user(call: Call) -> None:
    secret = token(call)
    call(setup.set_up, secret, "ada", PASSWORD)
    with pytest.raises(SetupOver):
        call(setup.set_up, secret, "eve", PASSWORD)
    assert call(setup.setup_link) is None
    assert call(store.count) == 1


def test_a_user_who_was_added_meanwhile_makes_it_worthless(call: Call) -> None:
    secret = token(call)
    add(call, "ada", "admin", password=None)
    with pytest.raises(SetupOver):
        call(setup.set_up, secret, "eve", PASSWORD)


def test_only_the_last_link_works(call: Call) -> None:
    first, last = token(call), token(call)
    for wrong in (first, "", "x" * 43):
        with pytest.raises(SetupLinkRefused):
            call(setup.set_up, wrong, "eve", PASSWORD)
    assert call(setup.set_up, last, "ada", PASSWORD).username == "ada"


def test_without_a_link_nobody_is_set_up(call: Call) -> None:
    with pytest.raises(SetupLinkRefused):
        call(setup.set_up, "", "eve", PASSWORD)


def test_it_expires(call: Call) -> None:
    secret = token(call)
    pass_time(call, SETUP_LIFE)
    with pytest.raises(SetupLinkRefused):
        call(setup.set_up, secret, "ada", PASSWORD)


def test_a_refused_password_does_not_use_it_up(call: Call) -> None:
    secret = token(call)
    with pytest.raises(PasswordTooWeak):
        call(setup.set_up, secret, "ada", "admin123")
    with pytest.raises(UserNotValid):
        call(setup.set_up, secret, "", PASSWORD)
    assert call(setup.set_up, secret, "ada", PASSWORD)


def test_of_two_who_have_the_link_one_wins(call: Call) -> None:
    secret = token(call)
    came = at_once(
        call,
        *[lambda rook, name=name: setup.set_up(rook, secret, name, PASSWORD) for name in ("ada", "eve")],
    )
    assert sorted(type(each).__name__ for each in came) == ["SetupOver", "User"]
    assert call(store.count) == 1


def test_one_hour_later_another_link_is_made(call: Call) -> None:
    token(call)
    pass_time(call, timedelta(hours=1))
    assert call(setup.set_up, token(call), "ada", PASSWORD)


def test_an_admin_who_is_configured_is_made_while_there_is_nobody(call: Call) -> None:
    made = call(setup.first_admin, "ada", PASSWORD)
    assert (made.username, made.role) == ("ada", "admin")
    assert call(logging_in.authenticate, "ada", PASSWORD).id == made.id
    assert call(setup.first_admin, "eve", PASSWORD) is None
    assert call(setup.setup_link) is None
    assert call(store.count) == 1


def test_an_admin_who_is_configured_has_a_password_that_is_hard_to_guess(call: Call) -> None:
    with pytest.raises(PasswordTooWeak):
        call(setup.first_admin, "ada", "admin123")
    assert call(store.count) == 0
