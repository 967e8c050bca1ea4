"""Passwords, tokens, permissions, waits and networks, as pure functions."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.domains.users.bearer import Bearer, mint, parsed
from rookery.domains.users.errors import NotPermitted, PasswordTooWeak, TokenNotValid
from rookery.domains.users.passwords import HASHER, NOBODYS
from rookery.domains.users.permissions import (
    PERMISSIONS,
    SESSION_ONLY,
    Principal,
    permissions_of,
    require,
    valid_scopes,
)
from rookery.domains.users.rules import Role, check_password
from rookery.domains.users.throttling import FREE, keys_of, network_of, wait_after
from rookery.domains.users.totp import new_recovery_codes, recovery_hash

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BEARERS = st.builds(
    Bearer, st.text(DIGITS, min_size=8, max_size=8), st.text(DIGITS, min_size=33, max_size=33)
)


# --- passwords


@pytest.mark.parametrize(
    "password",
    [
        *("short", "elevenchars", "", "x" * 1_025, "aaaaaaaaaaaaaaaa", "abababababab", "123456789012"),
        *("qwertyuiopas", "abcdefghijklmnop", "Password1234", "P@ssw0rd2026!"),
        *("Administrator1", "rookery 2026!!"),
        *("ada.lovelace", "Ada.Lovelace1", "ada@example.org", "correct horse battery staple"),
    ],
)  # fmt: skip
def test_a_password_that_is_guessed_first_is_refused_and_not_told(password: str) -> None:
    with pytest.raises(PasswordTooWeak) as refused:
        check_password(password, "ada.lovelace", "Ada@example.org")
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    ["twelve chars", "correct battery 42", "ada.lovelace likes engines", "пароль из слов", "x7#Kq9!mZ2$w"],
)
def test_a_password_that_is_long_enough_is_taken(password: str) -> None:
    check_password(password, "ada.lovelace", None)


def test_who_does_not_exist_costs_as_much_as_who_does() -> None:
    assert not HASHER.check_needs_rehash(NOBODYS)


# --- tokens


@given(BEARERS)
def test_a_token_is_read_as_it_was_written(bearer: Bearer) -> None:
    assert len(bearer.text) == 3 + 8 + 1 + 33 + 6
    assert parsed(bearer.text) == bearer


@given(BEARERS, st.integers(3, 50), st.sampled_from(DIGITS))
def test_a_token_with_one_wrong_character_is_none(bearer: Bearer, place: int, character: str) -> None:
    text = bearer.text
    mistyped = text[:place] + character + text[place + 1 :]
    assert (parsed(mistyped) is None) == (mistyped != text)


@given(BEARERS, st.integers(3, 49))
def test_a_token_with_two_characters_exchanged_is_none(bearer: Bearer, place: int) -> None:
    text = bearer.text
    exchanged = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert (parsed(exchanged) is None) == (exchanged != text)


@given(st.text(max_size=80))
def test_any_other_text_is_no_token(text: str) -> None:
    assert parsed(text) is None


def test_no_two_tokens_are_the_same() -> None:
    assert len({mint().text for _ in range(1_000)}) == 1_000


# --- permissions


def principal(role: Role, *scopes: str) -> Principal:
    return Principal(user_id="1", username="ada", role=role, scopes=frozenset(scopes) if scopes else None)


def test_each_role_may_do_what_those_before_it_may() -> None:
    for less, more in pairwise(Role):
        assert permissions_of(less) < permissions_of(more)
    assert permissions_of(Role.ADMIN) == PERMISSIONS.keys()
    assert all(re.fullmatch(r"[a-z]+:[a-z]+", each) for each in PERMISSIONS)


def test_a_viewer_changes_and_reveals_nothing() -> None:
    allowed = permissions_of(Role.VIEWER) - SESSION_ONLY
    assert {each.partition(":")[2] for each in allowed} == {"read"}
    assert "credentials:read" not in allowed


def test_secrets_users_and_settings_are_for_admins() -> None:
    operator = principal(Role.OPERATOR)
    for permission in (
        "credentials:reveal",
        "backups:reveal",
        "users:write",
        "settings:write",
        "audit:write",
    ):
        assert not operator.permits(permission)
        with pytest.raises(NotPermitted, match=permission):
            require(operator, permission)
        require(principal(Role.ADMIN), permission)


@given(st.sampled_from(list(Role)), st.text(max_size=30))
def test_what_is_not_in_the_table_nobody_may(role: Role, text: str) -> None:
    assert principal(role).permits(text) == (text in permissions_of(role))
    assert not principal(role, "devices:*", text).permits(f"{text}:{text}")


@given(st.sampled_from(list(Role)), st.sets(st.sampled_from(sorted(PERMISSIONS)), min_size=1))
def test_scopes_only_ever_take_away(role: Role, scopes: set[str]) -> None:
    program, person = principal(role, *scopes), principal(role)
    for permission in PERMISSIONS:
        expected = permission in scopes - SESSION_ONLY and person.permits(permission)
        assert program.permits(permission) == expected


def test_no_scope_makes_a_token_that_makes_tokens() -> None:
    for scope in SESSION_ONLY:
        with pytest.raises(TokenNotValid):
            valid_scopes([scope])
    program = principal(Role.ADMIN, "tokens:*", "users:*")
    assert program.permits("users:write")
    assert not program.permits("self:write")


def test_the_table_in_the_documents_is_the_one_in_the_code() -> None:
    page = (Path(__file__).parents[3] / "docs/howto/manage-users.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (viewer|operator|admin) \| (.+) \|$", page, re.MULTILINE))
    for role in Role:
        here = {each for each, least in PERMISSIONS.items() if least is role}
        assert set(re.findall(r"`([a-z]+:[a-z]+)`", rows[role])) == here


# --- waits and places


def test_waits_double_up_to_five_minutes() -> None:
    waits = [wait_after(failures) for failures in range(FREE + 12)]
    assert waits == [0] * (FREE + 1) + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert wait_after(10**9) == 300


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff::", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
        ("a\0socket", "asocket"),
    ],
)
def test_an_address_stands_for_its_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_rows_are_locked_in_one_order() -> None:
    assert keys_of("a", "n", is_known=True) == ["at n a"]
    assert keys_of("a", "n", is_known=False) == ["account a", "address n"]
    assert keys_of("a", "", is_known=False) == ["account a"]


def test_a_recovery_code_is_the_same_however_it_is_typed() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        assert re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code)
        assert recovery_hash(f" {code.upper().replace('-', '')}") == recovery_hash(code)
