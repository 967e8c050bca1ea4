"""Where a match was, whatever a tool writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.domains.findings.places import Place, canonical_target, place_of


@pytest.mark.parametrize(
    ("matched_at", "kind", "place"),
    [
        ("HTTPS://Host.Example/A?b=1#c", "http", Place("https", "host.example", 443, "/A")),
        ("http://user:pass@[::1]:8080", "http", Place("http", "::1", 8080, "/")),
        ("http://[broken:80/x?y", "http", Place("http", "broken", 80, "/x")),
        ("http://host:99999999/", "http", Place("http", "host:99999999", 80, "/")),
        ("Host:22", "tcp", Place("", "host", 22, "")),
        ("[::1]:443", "ssl", Place("", "::1", 443, "")),
        ("::1", "ssl", Place("", "::1", 0, "")),
        ("/etc/Passwd", "file", Place("", "", 0, "/etc/Passwd")),
        ("WWW.Example.", "dns", Place("", "", 0, "www.example")),
        ("", "http", Place("", "", 0, "")),
    ],
)
def test_the_parts_of_what_a_tool_says_it_matched(matched_at: str, kind: str, place: Place) -> None:
    assert place_of(matched_at, kind) == place


@given(st.text(), st.sampled_from(["http", "tcp", "dns", "file"]))
def test_no_text_is_too_strange_to_have_a_place(text: str, kind: str) -> None:
    place_of(text, kind)
    canonical_target(text)


@pytest.mark.parametrize(
    ("target", "canonical"),
    [
        ("http://A:80/x", "http://a/x"),
        ("http://A:80/X/?q", "http://a/X"),
        ("https://a:8443", "https://a:8443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("Host:22", "host:22"),
        ("/etc/Passwd", "/etc/Passwd"),
    ],
)
def test_one_target_has_one_spelling(target: str, canonical: str) -> None:
    assert canonical_target(target) == canonical
    assert canonical_target(canonical) == canonical
