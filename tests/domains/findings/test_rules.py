"""Identity and severity of findings."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from rookery.base.config import Findings as Policy
from rookery.domains.findings.rules import (
    DAY_US,
    Severity,
    due_us,
    exposure_of,
    finding_id,
    fingerprint,
    priority_of,
)

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


@pytest.mark.parametrize(
    ("severity", "days", "kev_days", "catalogue"),
    [
        (Severity.CRITICAL, 7, 7, 0),
        (Severity.HIGH, 30, 14, 0),
        (Severity.LOW, 120, 14, 0),
        (Severity.INFO, None, 14, 0),
        (Severity.HIGH, 30, 5, 5),
        (Severity.HIGH, 30, 14, 60),
        (Severity.CRITICAL, 7, 7, 10),
    ],
)
def test_what_is_exploited_is_due_sooner(
    severity: Severity, days: int | None, kev_days: int, catalogue: int
) -> None:
    start = 1_000 * DAY_US
    due = None if days is None else start + days * DAY_US
    assert due_us(severity, start, Policy()) == due
    kev_due = start + catalogue * DAY_US
    assert due_us(severity, start, Policy(), kev=True, kev_due_us=kev_due) == start + kev_days * DAY_US


@pytest.mark.parametrize(
    ("address", "exposure"),
    [("127.0.0.1", 0), ("localhost", 0), ("10.1.1.1", 1), ("web.example", 2), ("8.8.8.8", 3), ("::1", 0)],
)
def test_whence_a_host_can_be_reached(address: str, exposure: int) -> None:
    assert exposure_of(address) == exposure


def test_exploited_comes_before_severity_before_percentile_before_exposure() -> None:
    facts: dict[str, Any] = {"kev": False, "severity": 0, "epss_percentile": None, "exposure": 0}
    steps: list[dict[str, Any]]
    steps = [{"exposure": 3}, {"epss_percentile": 1.0, "exposure": 0}, {"severity": 1}, {"kev": True}]
    ranks = [priority_of(**(facts | step)) for step in steps]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 4
    assert priority_of(kev=False, severity=5, epss_percentile=1.0, exposure=3) < ranks[-1]
