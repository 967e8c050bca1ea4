"""Adding, finding, changing and removing users, in both worlds and on both databases."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rookery.domains.users import logging_in, service, sessions, store, tokens
from rookery.domains.users.errors import (
    LastAdmin,
    LoginRefused,
    PasswordTooWeak,
    SessionOver,
    TokenRefused,
    UserChanged,
    UserExists,
    UserNotFound,
    UserNotValid,
)
from rookery.domains.users.filters import FIELDS
from rookery.domains.users.rules import Role
from tests.conftest import Call
from tests.domains.users.people import PASSWORD, add, at_once, audited


def test_a_user_is_found_by_id_name_and_address(call: Call) -> None:
    made = call(service.create, "Ada", "Ada@Example.org", "operator", password=PASSWORD)
    assert (made.username, made.email, made.role, made.revision) == ("Ada", "Ada@Example.org", "operator", 1)
    assert (made.is_enabled, made.has_password, made.has_totp, made.last_login) == (True, True, False, None)
    assert call(store.get, made.id) == call(store.by_username, "ADA") == made
    assert call(store.by_email, "ada@example.ORG") == made
    assert call.rook.users.get(made.id) == made
    for find, what in ((store.get, made.id[:8]), (store.by_username, "adam"), (store.by_email, "Ada")):
        with pytest.raises(UserNotFound):
            call(find, what)


def test_users_are_listed_page_by_page_and_chosen_by_filters(call: Call) -> None:
    for name, role in (("cy", "viewer"), ("Ada", "admin"), ("bo", "operator")):
        call(service.create, name, f"{name}@example.org", role)
    assert [each.username for each in call(store.list_)] == ["Ada", "bo", "cy"]
    assert [each.username for each in call(store.list_, limit=2)] == ["Ada", "bo"]
    assert [each.username for each in call(store.list_, limit=2, after="BO")] == ["cy"]
    assert [each.username for each in call(store.list_, "role:admin")] == ["Ada"]
    assert [each.username for each in call(store.list_, "totp:no enabled:yes -ada name:*o")] == ["bo"]
    assert (call(store.count), call(store.count, "role:viewer login<1d")) == (3, 0)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"username": "ada lovelace"}, "username 'ada lovelace'"),
        ({"username": ""}, "username ''"),
        ({"username": "a" * 64}, "at most 63"),
        ({"email": "nowhere"}, "email is an address"),
        ({"role": "root"}, "viewer, operator, admin, not 'root'"),
    ],
)
def test_what_is_no_user_is_named(call: Call, parts: dict[str, Any], said: str) -> None:
    with pytest.raises(UserNotValid, match=said):
        call(service.create, **{"username": "ada", "password": PASSWORD, **parts})
    made = call(service.create, "ada")
    with pytest.raises(UserNotValid, match=said):
        call(service.update, made.id, **parts)
    assert call(store.get, made.id) == made


def test_names_and_addresses_are_taken_in_every_case(call: Call) -> None:
    call(service.create, "ada", "ada@example.org")
    other = call(service.create, "bo", "bo@example.org")
    for taken in ({"username": "ADA"}, {"email": "Ada@example.org"}):
        with pytest.raises(UserExists):
            call(service.create, **{"username": "cy", **taken})
        with pytest.raises(UserExists):
            call(service.update, other.id, **taken)
    assert call(store.get, other.id) == other
    assert call(service.update, other.id, username="Bo").username == "Bo"


def test_what_is_given_is_changed_unless_somebody_was_faster(call: Call) -> None:
    seen = add(call)
    changed = call(service.update, seen.id, email="ada@example.org", revision=seen.revision)
    assert (changed.email, changed.revision, changed.username) == ("ada@example.org", 2, "ada")
    assert call(service.update, seen.id, email="ada@example.org") == changed
    with pytest.raises(UserChanged):
        call(service.update, seen.id, role="admin", revision=seen.revision)
    with pytest.raises(UserNotValid, match="no password_hash"):
        call(service.update, seen.id, password_hash="x")
    assert call(store.get, seen.id) == changed
    details = {"changed": ["email"], "enabled": True, "role": "viewer", "user_id": seen.id}
    assert audited(call)[1:] == [("user.updated", "ada", details)]


def test_whoever_is_disabled_is_out_at_once(call: Call) -> None:
    user = add(call)
    session = call(sessions.open_session, user.id)
    token = call(tokens.create_token, user.id, "ci", ["devices:read"])
    call(service.update, user.id, enabled=False)
    with pytest.raises(SessionOver):
        call(sessions.verify_session, session.secret)
    with pytest.raises(SessionOver):
        call(sessions.open_session, user.id)
    with pytest.raises(TokenRefused):
        call(tokens.verify_token, token.secret)
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD)
    call(service.update, user.id, enabled=True)
    assert call(tokens.verify_token, token.secret).username == "ada"
    with pytest.raises(SessionOver):
        call(sessions.verify_session, session.secret)


def test_another_role_ends_sessions(call: Call) -> None:
    user = add(call)
    session = call(sessions.open_session, user.id)
    call(service.update, user.id, email="ada@example.org")
    assert call(sessions.verify_session, session.secret).role is Role.VIEWER
    call(service.update, user.id, role="operator")
    with pytest.raises(SessionOver):
        call(sessions.verify_session, session.secret)


def test_a_new_password_ends_all_sessions_but_the_one_it_was_given_in(call: Call) -> None:
    user = add(call)
    mine, other = (call(sessions.open_session, user.id) for _ in range(2))
    with pytest.raises(PasswordTooWeak):
        call(service.set_password, user.id, "short")
    call(service.set_password, user.id, "another battery 43", keep_session=mine.session.id)
    assert call(sessions.verify_session, mine.secret).user_id == user.id
    with pytest.raises(SessionOver):
        call(sessions.verify_session, other.secret)
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD)
    assert call(logging_in.authenticate, "ada", "another battery 43").revision == user.revision + 1
    assert ("password.changed", "ada", {"sessions_ended": 1, "user_id": user.id}) in audited(call)


def test_the_last_admin_stays_one(call: Call) -> None:
    admin, other = add(call, "ada", "admin"), add(call, "bo", "admin")
    call(service.update, other.id, enabled=False)
    for attempt in (
        partial(service.update, role="viewer"),
        partial(service.update, enabled=False),
        service.delete,
    ):
        with pytest.raises(LastAdmin):
            call(attempt, admin.id)
    assert call(store.get, admin.id) == admin
    call(service.update, other.id, enabled=True)
    call(service.delete, admin.id)
    with pytest.raises(UserNotFound):
        call(store.get, admin.id)


def test_of_two_admins_who_give_up_at_once_one_stays(call: Call) -> None:
    admins = [add(call, name, "admin", password=None) for name in ("ada", "bo", "cy")]
    came = at_once(
        call,
        lambda rook: service.update(rook, admins[0].id, role="viewer"),
        lambda rook: service.update(rook, admins[1].id, enabled=False),
        lambda rook: service.delete(rook, admins[2].id),
    )
    assert sum(isinstance(each, LastAdmin) for each in came) == 1
    assert call(store.count, "role:admin enabled:yes") == 1


def test_what_a_user_had_goes_with_them(call: Call) -> None:
    user = add(call)
    call(logging_in.authenticate, "ada", PASSWORD, address="192.0.2.1")
    session = call(sessions.open_session, user.id)
    token = call(tokens.create_token, user.id, "ci", ["devices:read"])
    call(service.delete, user.id)
    with pytest.raises(SessionOver):
        call(sessions.verify_session, session.secret)
    with pytest.raises(TokenRefused):
        call(tokens.verify_token, token.secret)
    assert call(tokens.tokens) == []
    with pytest.raises(UserNotFound):
        call(service.set_password, user.id, PASSWORD)
    assert audited(call)[-1][:2] == ("user.deleted", "ada")


def test_a_login_by_another_way_is_noted(call: Call) -> None:
    user = add(call)
    call(service.update_last_login, user.id)
    noted = call(store.get, user.id)
    assert noted.last_login is not None
    assert noted.revision == user.revision


def test_every_field_is_documented_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/filters.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page.partition("## Fields of users")[2], re.MULTILINE)
    assert rows == [(field.name, field.help) for field in FIELDS]
