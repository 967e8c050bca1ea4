"""Exports: each format for whoever reads it, with hostile content in it."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rookery.domains.findings import exporting, service
from rookery.domains.findings.document import KEYS
from rookery.domains.findings.formats import nuclei
from rookery.domains.findings.formats.sarif import NotSarif, sightings
from rookery.domains.findings.formats.tables import cell
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import State
from rookery.mechanisms.filters.grammar import FilterNotValid
from tests.conftest import Call
from tests.domains.findings.test_store import record, sighting

SCHEMA = Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json"
HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e{{7*7}}"
MANY = 2_000


@pytest.fixture
def found(call: Call) -> Call:
    hostile = sighting(
        template_id="hostile",
        name=HOSTILE,
        severity="critical",
        matched_at=f"http://127.0.0.1:8080/{HOSTILE}?q=\"'",
        extracted=["=cmd|' /C calc'!A0", HOSTILE],
        description=HOSTILE,
        reference=["javascript:alert(1)", "https://example.org/?a=1&b=2"],
        tags=['"><b>'],
        request=f"GET / HTTP/1.1\r\nCookie: secret\r\n\r\n{HOSTILE}",
        response=HOSTILE,
        cve=["CVE-2024-1"],
        cwe=["CWE-79"],
        cvss_score=9.8,
        cvss_vector="CVSS:3.1/AV:N",
        kev=True,
    )
    record(call, hostile, sighting(type="tcp", matched_at="127.0.0.1:22", target="127.0.0.1:22"))
    call(service.triage, "template:git-config", State.FALSE_POSITIVE, reason="a honeypot")
    return call


def exported(call: Call, format_: str, filter_: str = "") -> str:
    return "".join(call(exporting.export, format_, filter_))


def test_sarif_is_valid_and_says_what_is_suppressed(found: Call) -> None:
    log = json.loads(exported(found, "sarif"))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(log)
    [run] = log["runs"]
    hostile, other = run["results"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in (hostile, other)] == ["hostile", "git-config"]
    assert (hostile["level"], hostile["baselineState"], "suppressions" in hostile) == ("error", "new", False)
    assert len(hostile["partialFingerprints"]["rookery/v1"]) == 64
    [suppression] = other["suppressions"]
    assert suppression["justification"] == "false_positive: a honeypot"


def test_an_export_of_nothing_is_a_whole_document(call: Call) -> None:
    log = json.loads(exported(call, "sarif"))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(log)
    assert json.loads(exported(call, "defectdojo"))["findings"] == []
    assert exported(call, "jsonl") == ""
    assert exported(call, "csv").splitlines() == [",".join(KEYS)]
    assert "No finding." in exported(call, "html")


def test_what_sarif_says_can_be_read_again(found: Call) -> None:
    """But for what is dismissed: nobody is to look at that anew who imports it elsewhere."""
    [read] = sightings(exported(found, "sarif").encode())
    assert isinstance(read, Vulnerability)
    assert (read.template_id, read.severity, read.type) == ("hostile", "critical", "http")
    assert (read.cve, read.tags, read.extracted[1]) == (["CVE-2024-1"], ['"><b>'], HOSTILE)


def test_csv_has_every_column_and_no_formula(found: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(found, "csv"))))
    assert tuple(rows[0]) == KEYS
    assert rows[0]["extracted"].startswith("'=cmd")
    assert rows[1]["state_reason"] == "a honeypot"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_a_cell_that_looks_like_a_formula_is_text(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell([text]) == f"'{text}"


def test_numbers_below_zero_are_no_formulas() -> None:
    assert cell(-1) == -1


def test_jsonl_is_what_nuclei_would_have_written(found: Call) -> None:
    lines = exported(found, "jsonl").splitlines()
    again = [nuclei.sighting(nuclei.read(line)) for line in lines]
    assert [item.fingerprint for item in again] == [
        json.loads(line)["rookery"]["fingerprint"] for line in lines
    ]
    assert again[0].cve == ["CVE-2024-1"]
    assert "secret" not in lines[0]


def test_defectdojo_knows_each_by_its_fingerprint(found: Call) -> None:
    first, second = json.loads(exported(found, "defectdojo"))["findings"]
    assert (first["severity"], first["cwe"], first["active"]) == ("Critical", 79, True)
    assert (second["false_p"], second["active"]) == (True, False)
    assert len(first["unique_id_from_tool"]) == 64
    assert second["endpoints"] == [{"host": "127.0.0.1", "port": 22}]


class Page(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_report_has_nothing_in_it_that_was_found_but_text(found: Call) -> None:
    text = exported(found, "html")
    page = Page()
    page.feed(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "b", "iframe", "link", "object", "form"}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == ["https://example.org/?a=1&b=2"]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "\u202e" not in text
    assert "{{7*7}}" in text


def test_the_report_needs_no_other_host_and_allows_none(found: Call) -> None:
    text = exported(found, "html", "sev:critical")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert not re.findall(r"url\(|@import|src=", text.replace("img src=x", ""))
    assert "to be dealt with, of 1<" in text


def test_an_export_streams(sqlite_rook: Any) -> None:
    """What is asked for first comes before the last has been read."""
    from rookery.domains.findings.hooks import RecordFindings
    from rookery.mechanisms.writebehind import Batch

    items = [sighting(matched_at=f"http://127.0.0.1:8080/{number}") for number in range(MANY)]
    seqs = list(range(1, MANY + 1))
    RecordFindings(sqlite_rook.engine)(None, Batch(items, stream="s", seqs=seqs, recovered=False))
    for format_ in exporting.FORMATS:
        pieces = sqlite_rook.findings.export(format_)
        first = next(pieces)
        assert len(first) < 100_000
        rest = sum(len(piece) for piece in pieces)
        assert rest > 10 * len(first)


def test_a_filter_that_is_wrong_is_said_before_anything_is_written(call: Call) -> None:
    with pytest.raises(FilterNotValid):
        exported(call, "csv", "sev>=x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"version":"2.1.0","runs":[{}]}',
        b'{"version":"2.1.0","runs":' + b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_not_sarif_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(NotSarif) as refused:
        list(sightings(data))
    assert "\n" not in str(refused.value)


def test_a_result_of_another_tool_says_what_it_can() -> None:
    rule = {"id": "R1", "shortDescription": {"text": "Bad"}, "properties": {"security-severity": "7.5"}}
    at = {"physicalLocation": {"artifactLocation": {"uri": "src/app.py"}}}
    rejected = {"kind": "external", "status": "rejected"}
    results: list[dict[str, Any]] = [
        {"ruleId": "R1", "message": {"text": "is bad"}, "locations": [at]},
        {"ruleId": "R1", "message": {"text": "nowhere"}},
        {"ruleId": "R1", "message": {"text": "good"}, "kind": "pass", "locations": [at]},
        {"ruleId": "R1", "message": {"text": "gone"}, "baselineState": "absent", "locations": [at]},
        {"ruleId": "R1", "message": {"text": "known"}, "suppressions": [{}], "locations": [at]},
        {"ruleId": "R1", "message": {"text": "open"}, "suppressions": [rejected], "locations": [at]},
    ]
    driver = {"name": "tool", "version": "1", "rules": [rule]}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    seen, trouble, still_open = list(sightings(json.dumps(log).encode()))
    assert isinstance(seen, Vulnerability)
    assert isinstance(still_open, Vulnerability)
    assert (seen.description, still_open.description) == ("is bad", "open")
    assert (seen.template_id, seen.severity, seen.type, seen.engine) == ("R1", "high", "file", "tool 1")
    assert trouble == "result 2: it does not say which rule, or where"
