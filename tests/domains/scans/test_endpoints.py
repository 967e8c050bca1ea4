"""Endpoints: what a person may name to be scanned, and what it is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.domains.scans.cli.targets import listed
from rookery.domains.scans.endpoints import host_of, parse_endpoint
from rookery.domains.scans.errors import BadTarget

BAD_TARGETS = ["ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://[::1", "http://a b/"]


@pytest.mark.parametrize(
    ("text", "kind", "address", "target"),
    [
        ("https://H.example/a?b=1", "url", "https://H.example/a?b=1", "https://H.example/a?b=1"),
        ("h.example/a", "url", "http://h.example/a", "http://h.example/a"),
        ("Router.LAN", "host", "router.lan", "http://router.lan"),
        ("192.0.2.7", "host", "192.0.2.7", "http://192.0.2.7"),
        ("2001:db8::7", "host", "[2001:db8::7]", "http://[2001:db8::7]"),
        ("[2001:db8::7]:8443", "host:port", "[2001:db8::7]:8443", "http://[2001:db8::7]:8443"),
        ("router.lan:8443", "host:port", "router.lan:8443", "http://router.lan:8443"),
        ("/etc/rookery", "path", "/etc/rookery", "/etc/rookery"),
        ("file:///etc/rookery", "path", "/etc/rookery", "/etc/rookery"),
    ],
)
def test_an_endpoint_is_taken_for_what_it_looks_like(text: str, kind: str, address: str, target: str) -> None:
    endpoint = parse_endpoint(text)
    assert (*endpoint, endpoint.target) == (kind, address, target)
    assert parse_endpoint(endpoint.address) == endpoint
    assert parse_endpoint(endpoint.target).target == endpoint.target


def test_a_list_may_begin_with_windows_mark_and_have_its_line_ends(tmp_path: Path) -> None:
    (path := tmp_path / "list").write_bytes(b"\xef\xbb\xbfhttp://a\r\n# a remark\r\nb:1 \r\nhttp://a\r\n")
    assert listed((), [path]) == ("http://a", "b:1")


@pytest.mark.parametrize("text", ["./configs", "../configs", "~/configs", "."])
def test_a_relative_path_is_made_absolute(text: str) -> None:
    kind, address = parse_endpoint(text)
    assert kind == "path"
    assert Path(address).is_absolute()
    assert host_of(address) == ""


def test_a_target_without_a_scheme_is_http() -> None:
    assert parse_endpoint("127.0.0.1:8080").target == "http://127.0.0.1:8080"


@pytest.mark.parametrize("text", BAD_TARGETS)
def test_what_is_not_a_web_address_is_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        parse_endpoint(text)


def test_a_password_in_a_target_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadTarget) as refusal:
        parse_endpoint("ftp://admin:hunter22@127.0.0.1/")
    assert "hunter22" not in str(refusal.value)


def test_a_target_of_megabytes_is_refused() -> None:
    with pytest.raises(BadTarget, match="too long"):
        parse_endpoint("http://h/" + "a" * 1_000_000)
