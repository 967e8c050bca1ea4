"""What a template says about a weakness, and how it was seen, is in the sighting."""

from __future__ import annotations

import pytest

from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans.sightings import sighting
from rookery.mechanisms.engine import Response, load_template
from tests.mechanisms.engine.support import run

TEMPLATE = """
id: a-check
info:
  name: A check
  author: me
  severity: high
  impact: bad
  tags: cve,kev
  classification:
    cve-id: CVE-2024-1
    cwe-id: CWE-79
    cvss-metrics: CVSS:3.1/AV:N
    cvss-score: {score}
    epss-score: 0.5
    epss-percentile: 0.97
http:
  - path: ["{{{{BaseURL}}}}/{{{{user}}}}"]
    payloads: {{user: [admin]}}
    matchers: [{{type: word, name: found, words: [welcome]}}]
"""


def seen(score: str = "9.8") -> Vulnerability:
    template = load_template(TEMPLATE.format(score=score).encode(), path="x.yaml")
    answer = Response(200, "OK", (("Set-Cookie", "session=abcdef123"),), b"welcome", address="127.0.0.1")
    (match,) = run(template, [answer], "http://127.0.0.1:8080")[0].matches
    return sighting(match, "http://127.0.0.1:8080", run_id="r", project_id="p")


def test_a_sighting_has_all_that_is_known() -> None:
    item = seen()
    for name, value in {
        "severity": "high", "impact": "bad", "type": "http", "ip": "127.0.0.1", "cve": ["CVE-2024-1"],
        "cwe": ["CWE-79"], "cvss_vector": "CVSS:3.1/AV:N", "cvss_score": 9.8, "epss": 0.5,
        "epss_percentile": 0.97, "kev": True, "meta": {"user": "admin"}, "matcher": "found", "port": 8080,
        "matched_at": "http://127.0.0.1:8080/admin", "run_id": "r", "project_id": "p",
    }.items():  # fmt: skip
        assert getattr(item, name) == value


def test_it_tells_the_text_of_its_template_from_any_other() -> None:
    assert len(seen("9.8").template_sha256) == 64
    assert seen("9.8").template_sha256 == seen("9.8").template_sha256 != seen("9.9").template_sha256


def test_its_evidence_holds_no_secret() -> None:
    item = seen()
    assert "GET /admin HTTP/1.1" in item.request
    assert "welcome" in item.response
    assert "abcdef123" not in item.response
    assert item.curl.startswith("curl ")


@pytest.mark.parametrize("score", ["high", "nan", "11", "-1", "''"])
def test_a_score_that_can_be_none_is_none(score: str) -> None:
    assert seen(score).cvss_score is None
