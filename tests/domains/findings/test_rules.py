"""Identity and severity of findings."""

from __future__ import annotations

import uuid

import pytest

from rookery.domains.findings.rules import Severity, finding_id, fingerprint

AT = "http://127.0.0.1:8080/.git/config"


@pytest.mark.parametrize(
    "other",
    ["HTTP://127.0.0.1:8080/.git/config?x=1", "http://127.0.0.1:8080/.git/config#top"],
)
def test_query_fragment_and_case_of_the_scheme_do_not_make_another_weakness(other: str) -> None:
    assert fingerprint("git-config", "", other) == fingerprint("git-config", "", AT)


@pytest.mark.parametrize(
    ("template", "matcher", "at"),
    [
        ("svn-entries", "", AT),
        ("git-config", "remote", AT),
        ("git-config", "", "https://127.0.0.1:8080/.git/config"),
        ("git-config", "", "http://127.0.0.1:8081/.git/config"),
        ("git-config", "", "http://127.0.0.2:8080/.git/config"),
        ("git-config", "", "http://127.0.0.1:8080/app/.git/config"),
    ],
)
def test_template_matcher_scheme_host_port_and_path_make_another_weakness(
    template: str, matcher: str, at: str
) -> None:
    assert fingerprint(template, matcher, at) != fingerprint("git-config", "", AT)


def test_the_default_port_is_the_same_as_no_port() -> None:
    assert fingerprint("t", "", "https://a/") == fingerprint("t", "", "https://a:443")


def test_a_finding_has_its_id_before_storage_has_seen_it() -> None:
    made = uuid.UUID(finding_id(fingerprint("git-config", "", AT)))
    assert made.version == 8
    assert made.variant == uuid.RFC_4122
    assert str(made) == finding_id(fingerprint("git-config", "", AT))


def test_severities_are_ordered_and_unknown_words_are_the_lowest() -> None:
    assert [Severity.of(word) for word in ("Critical", "high ", "medium", "low", "info", "dire")] == [
        5,
        4,
        3,
        2,
        1,
        0,
    ]
    assert Severity.HIGH.word == "high"
