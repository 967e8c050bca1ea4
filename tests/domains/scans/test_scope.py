"""The scope decides by name before anything is resolved, and by address when it is dialled."""

from __future__ import annotations

import pytest

from rookery.domains.scans.errors import BadScopeEntry
from rookery.domains.scans.scope import Scope, parse_entry

LOOPBACK = ["127.0.0.1", "127.8.9.1", "[::1]", "::1", "localhost", "LOCALHOST.", "web.localhost"]
STRANGERS = ["192.0.2.7", "example.org", "localhost.example.org", "[2001:db8::1]", "0.0.0.1"]
BAD_ENTRIES = ["192.0.2.1/24", "192.0.2.300", "http://x/", "a b", "", "*.", "-x.lan", "x" * 300, "1:2"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_is_in_every_scope(host: str) -> None:
    assert Scope().admits(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.7", "example.org", "localhost.example.org", "[2001:db8::1]", "0.0.0.1"]
)
def test_anything_else_is_out_of_an_empty_scope(host: str) -> None:
    assert not Scope().admits(host)


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "192.0.2.200", "192.0.3.1"),
        ("2001:db8::/32", "[2001:db8::5]", "[2001:db9::5]"),
        ("router.lan", "Router.LAN", "router.lan.example.org"),
        ("*.lab.example", "a.b.lab.example", "lab.example"),
    ],
)
def test_an_entry_admits_what_it_names_and_no_more(entry: str, inside: str, outside: str) -> None:
    scope = Scope([parse_entry(entry)])
    assert scope.admits(inside)
    assert not scope.admits(outside)


def test_a_name_that_was_not_added_may_not_lead_to_an_address_outside() -> None:
    """The check at dial time is what stops a redirect or a changed DNS answer."""
    assert not Scope().allows("localhost", "192.0.2.7")
    assert Scope().allows("localhost", "127.0.0.1")


def test_a_name_in_the_scope_may_move_to_another_address() -> None:
    assert Scope(["router.lan"]).allows("router.lan", "192.0.2.9")


@pytest.mark.parametrize(
    ("entries", "is_anything"),
    [((), False), (("0.0.0.0/0",), False), (("::/0", "*.lan"), False), (("0.0.0.0/0", "::/0"), True)],
)
def test_a_scope_is_anything_when_it_has_every_address(entries: tuple[str, ...], is_anything: bool) -> None:
    assert Scope(entries).is_anything is is_anything


def test_an_ipv4_address_in_ipv6_clothes_is_judged_as_ipv4() -> None:
    assert Scope().allows("x", "::ffff:127.0.0.1")
    assert not Scope().allows("x", "::ffff:192.0.2.1")


@pytest.mark.parametrize("text", BAD_ENTRIES)
def test_a_bad_entry_is_refused_with_an_example_of_a_good_one(text: str) -> None:
    with pytest.raises(BadScopeEntry, match=r"192\.0\.2\.0/24"):
        parse_entry(text)


def test_entries_are_stored_in_one_form() -> None:
    assert parse_entry(" Router.LAN. ") == "router.lan"
    assert parse_entry("192.0.2.7/32") == "192.0.2.7"
