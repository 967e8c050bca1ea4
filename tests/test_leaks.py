"""The watch over the logs of all tests finds what it is there for."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from rookery import app
from rookery.base.redact import register_secret
from rookery.domains.users.document import User
from tests.leaks import WATCH, Leak

log = logging.getLogger("rookery.tests")
PASSWORD = "the owls are not what they seem"

Birth = Callable[[app.Rook, User], str]


def token(rook: app.Rook, user: User) -> str:
    return rook.users.create_token(user.id, "ci", ["devices:read"]).secret


def token_that_is_shown(rook: app.Rook, user: User) -> str:
    secret = token(rook, user)
    rook.users.verify_token(secret)
    return secret.split("_")[2][:33]


def session(rook: app.Rook, user: User) -> str:
    return rook.users.open_session(user.id).secret


def setup_link(rook: app.Rook, user: User) -> str:
    rook.users.delete(user.id)
    return str(rook.users.setup_link()).partition("=")[2]


def password(rook: app.Rook, user: User) -> str:
    rook.users.set_password(user.id, PASSWORD)
    return PASSWORD


def second_factor(rook: app.Rook, user: User) -> str:
    return rook.users.totp_begin(user.id).secret


def credential(rook: app.Rook, _user: User) -> str:
    rook.credentials.create("lab", "admin", password="hunter22hunter22")
    return "hunter22hunter22"


def channel(rook: app.Rook, _user: User) -> str:
    rook.notifications.create_channel("ops", "webhook", "http://127.0.0.1:9/T0/B0/xyz", secret="s" * 32)
    return "http://127.0.0.1:9/T0/B0/xyz"


def configuration(_rook: app.Rook, _user: User) -> str:
    register_secret("db-Pa55word-7f3e")
    return "db-Pa55word-7f3e"


@pytest.mark.parametrize(
    "birth",
    [
        token,
        token_that_is_shown,
        session,
        setup_link,
        password,
        second_factor,
        credential,
        channel,
        configuration,
    ],
)  # fmt: skip
def test_whatever_is_secret_is_found_where_it_is_logged(sqlite_rook: app.Rook, birth: Birth) -> None:
    user = sqlite_rook.users.create("ada", None, "viewer")
    secret = birth(sqlite_rook, user)
    WATCH.check()
    log.debug("somebody has %s", secret)
    with pytest.raises(Leak) as raised:
        WATCH.check()
    assert secret not in str(raised.value)
    WATCH.forget()


def test_it_is_found_in_an_exception_and_beside_the_message() -> None:
    WATCH.note("hunter22hunter22")
    log.info("it failed", exc_info=ValueError("hunter22hunter22"))
    with pytest.raises(Leak):
        WATCH.check()
    WATCH.lines.clear()
    log.info("it failed", extra={"login": ("admin", "hunter22hunter22")})
    with pytest.raises(Leak):
        WATCH.check()
    WATCH.forget()


def test_it_is_found_in_what_another_process_has_said() -> None:
    WATCH.note("hunter22hunter22")
    with pytest.raises(Leak):
        WATCH.check("the process says: hunter22hunter22")
    WATCH.check("the process says nothing")
