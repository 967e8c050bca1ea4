"""What counts as a secret, and that masking leaves everything else as it was."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.base import redact as module
from rookery.base.redact import MASK, is_secret_key, redact, redact_text, register_secret


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_secrets", ())


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Passwd",
        "db_password",
        "dbPassword",
        "API_KEY",
        "apiKey",
        "apikey",
        "x-api-key",
        "Authorization",
        "proxy-authorization",
        "Set-Cookie",
        "privateKey",
        "private_key_pem",
        "snmp_community",
        "enable",
        "enable_secret",
        "access_token",
        "clientSecret",
        "PSK",
    ],
)
def test_a_key_that_names_a_secret_is_recognised(name: str) -> None:
    assert is_secret_key(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer",
        "keyboard",
        "key",
        "public_key",
        "enabled",
        "enable_lldp",
        "secretary",
        "cookiecutter",
        "author",
        "passage",
    ],
)
def test_a_key_that_only_contains_such_letters_is_not(name: str) -> None:
    assert not is_secret_key(name)


def test_a_secret_is_masked_at_any_depth_and_the_original_is_untouched() -> None:
    original: dict[str, Any] = {"a": [{"password": "hunter2", "b": 1}], "c": ({"token": ["x", "y"]},)}
    assert redact(original) == {"a": [{"password": MASK, "b": 1}], "c": ({"token": MASK},)}
    assert original["a"][0]["password"] == "hunter2"
    assert original["c"][0]["token"] == ["x", "y"]


def test_what_holds_no_secret_is_returned_itself() -> None:
    value = {"host": "r1", "ports": [22, 23], "nested": {"text": "see https://example.test/a@b"}}
    assert redact(value) is value


def test_only_the_branch_with_the_secret_is_copied() -> None:
    value = {"clean": {"a": 1}, "dirty": {"password": "x"}}
    assert redact(value)["clean"] is value["clean"]


def test_the_absence_of_a_secret_is_no_secret() -> None:
    assert redact({"password": None, "token": True}) == {"password": None, "token": True}


def test_nesting_too_deep_to_walk_is_masked_rather_than_failing() -> None:
    value: list[Any] = ["hunter2"]
    for _ in range(5000):
        value = [value]
    assert "hunter2" not in str(redact(value))


def test_a_registered_secret_is_masked_in_values_and_in_keys() -> None:
    register_secret("corr3ct-horse")
    assert redact({"corr3ct-horse": "say corr3ct-horse twice: corr3ct-horse"}) == {
        MASK: f"say {MASK} twice: {MASK}"
    }


def test_a_registered_secret_is_masked_in_the_spellings_of_urls_and_json() -> None:
    register_secret('pa"ss word/é')
    assert redact_text('x pa%22ss%20word%2F%C3%A9 and "pa\\"ss word/é"') == f'x {MASK} and "{MASK}"'


def test_the_longer_of_two_secrets_is_masked_first() -> None:
    register_secret("hunter")
    register_secret("hunter22")
    assert redact_text("hunter22") == MASK


def test_a_value_too_short_to_be_a_secret_is_ignored() -> None:
    register_secret("abc")
    register_secret("wxyz")
    assert redact_text("abc wxyz") == f"abc {MASK}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://u:pw@h/db", "postgresql://u:***@h/db"),
        ("postgresql+psycopg://u:p@ss@h/db", "postgresql+psycopg://u:***@h/db"),
        ("postgresql://u:pa/ss@h/db", "postgresql://u:***@h/db"),
        ("redis://:pw@h:6379/0 and mongodb://a:b@c", "redis://:***@h:6379/0 and mongodb://a:***@c"),
        ("http://h:80/a@b", "http://h:80/a@b"),
        ("http://[::1]:8080/a@b", "http://[::1]:8080/a@b"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("mail a@b about c:d", "mail a@b about c:d"),
    ],
)
def test_the_password_of_a_url_is_masked(text: str, expected: str) -> None:
    assert redact_text(text) == expected


def test_megabytes_of_hostile_text_are_searched_in_linear_time() -> None:
    """Quadratic work would take hours here, and run into the time limit of the test."""
    text = "://a:" * 400_000 + "@"
    assert redact_text(text).endswith(f":{MASK}@")


@given(
    st.text(
        alphabet=st.characters(exclude_characters="@/?#[]: \t\n\r", exclude_categories=["Z", "C"]), min_size=1
    )
)
def test_no_url_password_without_stops_survives(password: str) -> None:
    masked = redact_text(f"amqp://user:{password}@host/v")
    assert re.fullmatch(r"amqp://user:\*\*\*@host/v", masked)
