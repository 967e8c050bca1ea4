"""What an entry is as bytes, and what it may hold."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.base.redact import redact, register_secret
from rookery.domains.audit.errors import EntryNotValid
from rookery.domains.audit.rules import (
    GENESIS,
    LARGEST_DETAILS,
    LONGEST_FIELD,
    AuditEntry,
    Head,
    chained,
    check_field,
    details_json,
    link,
    payload_of,
)

ENTRY = AuditEntry("id", 5, "scan.started", "alice", "run 1", "r", '{"a":1}')


def test_the_payload_is_seven_lines() -> None:
    assert payload_of(ENTRY) == b'id\n5\nscan.started\nalice\nrun 1\nr\n{"a":1}'


def test_the_hash_is_over_the_hash_before_and_the_payloads_own_hash() -> None:
    """As documented, so that anyone can compute it."""
    assert chained(GENESIS, b"x") == sha256(bytes(32) + sha256(b"x").digest()).digest()


def test_rows_hold_the_payloads_lines_and_the_chain() -> None:
    rows, head = link([payload_of(ENTRY), payload_of(ENTRY)], Head())
    first = chained(GENESIS, payload_of(ENTRY))
    second = chained(first, payload_of(ENTRY))
    assert rows == [
        (1, "id", "5", "scan.started", "alice", "run 1", "r", '{"a":1}', GENESIS, first),
        (2, "id", "5", "scan.started", "alice", "run 1", "r", '{"a":1}', first, second),
    ]
    assert head == Head(2, second)


TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=LONGEST_FIELD)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(actor=TEXT, object_=TEXT, details=st.dictionaries(TEXT, JSON, max_size=4))
def test_whatever_is_accepted_comes_back_from_the_seven_lines(
    actor: str, object_: str, details: dict[str, Any]
) -> None:
    check_field("actor", actor)
    check_field("object", object_)
    encoded = details_json(details)
    ((_, _, _, _, *fields, _, _),), _ = link(
        [payload_of(AuditEntry("id", 5, "scan.started", actor, object_, "", encoded))], Head()
    )
    assert fields == [actor, object_, "", encoded]


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "\x00", "\x7f", "\ud800", "x" * (LONGEST_FIELD + 1), 5, None]
)
def test_a_field_that_cannot_be_one_line_of_bounded_text_is_refused(value: Any) -> None:
    with pytest.raises(EntryNotValid, match="object"):
        check_field("object", value)


def test_other_scripts_and_spaces_are_welcome() -> None:
    check_field("object", "Überwachung\u00a0北京 \u2028")


class Colour(enum.Enum):
    RED = object()


@dataclass
class Login:
    password: str


@pytest.mark.parametrize(
    "details",
    [
        {"a": object()},
        {"a": {1, 2}},
        {"a": 2**64},
        {"a": "\ud800"},
        {1: "a"},
        ["a"],
        "text",
        {"a": "x" * LARGEST_DETAILS},
        {"a": Colour.RED},
        {"login": Login("hunter2")},
    ],
)
def test_details_that_are_no_json_object_of_bounded_size_are_refused(details: Any) -> None:
    with pytest.raises(EntryNotValid):
        details_json(details)


def test_details_nested_without_end_are_refused() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    with pytest.raises(EntryNotValid):
        details_json(loop)


def test_details_have_one_spelling() -> None:
    assert details_json({"b": 1, "a": [True, None]}) == details_json({"a": [True, None], "b": 1})
    assert details_json(None) == details_json({}) == "{}"


def test_secrets_are_masked_by_key_and_by_registered_value() -> None:
    register_secret("swordfish-7")
    masked = details_json(
        {
            "password": "hunter2",
            "inner": [{"api_key": "k"}],
            "url": "http://u:pw@h/",
            "text": "is swordfish-7 it",
        }
    )
    assert (
        masked == '{"inner":[{"api_key":"***"}],"password":"***","text":"is *** it","url":"http://u:***@h/"}'
    )


@given(
    details=st.dictionaries(st.sampled_from(["a", "token", "x_password", "note"]), JSON, max_size=3),
    quote=TEXT,
)
def test_the_quick_look_for_secrets_misses_none(details: dict[str, Any], quote: str) -> None:
    """It gives what looking into every value gives."""
    register_secret('pass"wo\\rd\n7')
    details["note"] = f'{quote}pass"wo\\rd\n7'
    assert orjson.loads(details_json(details)) == orjson.loads(orjson.dumps(redact(details)))
