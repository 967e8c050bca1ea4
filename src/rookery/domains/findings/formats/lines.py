"""Findings as JSON lines with nuclei's field names; what nuclei has no name for is under `rookery`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rookery.domains.findings.formats.exported import Exported

OURS = (
    *(
        "id",
        "fingerprint",
        "project_id",
        "state",
        "state_reason",
        "state_by",
        "state_until",
        "owner",
        "labels",
    ),
    *("due", "first_seen", "last_seen", "fixed", "last_run_id", "run_count", "seen_count", "reopened_count"),
    *("kev", "needs_review", "engine", "template_sha256"),
)

_encode = msgspec.json.Encoder().encode


def as_jsonl(findings: Iterable[Exported]) -> Iterator[str]:
    """A line per finding."""
    for finding in findings:
        yield _encode(record_of(finding)).decode() + "\n"


def record_of(finding: Exported) -> dict[str, Any]:
    """The result that nuclei would have written, as far as we know it; what is empty is left out."""
    one = finding.document
    record = {
        "template-id": one["template_id"],
        "info": _filled(_info(one)),
        "matcher-name": one["matcher"],
        "type": one["type"],
        "host": one["host"],
        "port": str(one["port"] or ""),
        "scheme": one["scheme"],
        "url": one["target"],
        "path": one["path"],
        "matched-at": one["matched_at"],
        "extracted-results": one["extracted"],
        "request": finding.request,
        "response": finding.response,
        "meta": one["meta"],
        "ip": one["ip"],
        "timestamp": one["last_seen"],
        "curl-command": finding.curl,
    }
    return _filled(record) | {"matcher-status": True, "rookery": {key: one[key] for key in OURS}}


def _info(one: dict[str, Any]) -> dict[str, Any]:
    classification = {
        "cve-id": one["cve"],
        "cwe-id": one["cwe"],
        "cvss-metrics": one["cvss_vector"],
        "cvss-score": one["cvss_score"],
        "epss-score": one["epss"],
        "epss-percentile": one["epss_percentile"],
    }
    texts = ("name", "severity", "description", "impact", "remediation", "reference", "tags")
    return {key: one[key] for key in texts} | {"classification": _filled(classification)}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in ("", None, [], {})}
