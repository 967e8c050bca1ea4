"""Findings as DefectDojo's generic findings import takes them (JSON)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rookery.domains.findings.formats.exported import Exported

SEVERITIES = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}
WEB = frozenset({"http", "https"})


def as_defectdojo(findings: Iterable[Exported]) -> Iterator[str]:
    """One document: `{"findings": […]}`."""
    separator = '{"name":"Rookery","type":"Rookery","findings":[\n'
    for finding in findings:
        yield separator + msgspec.json.encode(finding_of(finding)).decode()
        separator = ",\n"
    yield "\n]}\n" if separator == ",\n" else separator + "]}\n"


def finding_of(finding: Exported) -> dict[str, Any]:
    """One finding in DefectDojo's words; its own nine flags are derived from our one state."""
    one, state = finding.document, finding.document["state"]
    texts = {
        "title": (one["name"] + (f" ({one['matcher']})" if one["matcher"] else ""))[:500],
        "description": one["description"] or one["name"],
        "severity": SEVERITIES.get(one["severity"], "Info"),
        "mitigation": one["remediation"],
        "impact": one["impact"],
        "references": "\n".join(one["reference"]),
        "steps_to_reproduce": finding.curl,
        "cve": one["cve"][0] if one["cve"] else None,
        "cwe": _cwe(one["cwe"]),
        "cvssv3": one["cvss_vector"] if one["cvss_vector"].startswith("CVSS:3") else None,
        "cvssv3_score": one["cvss_score"],
        "epss_score": one["epss"],
        "epss_percentile": one["epss_percentile"],
        "vuln_id_from_tool": one["template_id"],
        "unique_id_from_tool": one["fingerprint"],
        "component_name": one["matcher"] or None,
        "date": one["first_seen"][:10],
        "tags": [*one["tags"], *one["labels"]],
        "endpoints": [_endpoint(one)] if one["host"] else [],
        "nb_occurences": max(one["seen_count"], 1),
    }
    flags = {
        "active": state in {"open", "triaged"},
        "verified": state == "triaged",
        "false_p": state == "false_positive",
        "risk_accepted": state == "risk_accepted",
        "out_of_scope": state == "out_of_scope",
        "is_mitigated": state == "fixed",
        "dynamic_finding": True,
        "static_finding": False,
    }
    return {key: value for key, value in texts.items() if value is not None} | flags


def _cwe(words: list[str]) -> int | None:
    numbers = (word.upper().removeprefix("CWE-") for word in words)
    return next((int(number) for number in numbers if number.isascii() and number.isdigit()), None)


def _endpoint(one: dict[str, Any]) -> dict[str, Any]:
    path = one["path"].lstrip("/") if one["scheme"] in WEB else ""
    parts = {"protocol": one["scheme"], "host": one["host"], "port": one["port"], "path": path}
    return {key: value for key, value in parts.items() if value}
