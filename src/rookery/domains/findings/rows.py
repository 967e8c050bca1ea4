"""From a sighting to the row of its finding. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from rookery.base.config import Findings as Policy
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.places import canonical_target
from rookery.domains.findings.rules import Severity, State, exposure_of, group_id, priority_of
from rookery.domains.findings.standing import due_of

_encode = msgspec.json.Encoder().encode


class Fact(NamedTuple):
    """What the feeds say of one CVE, or of all those of a finding together."""

    kev_added: str = ""
    kev_due: str = ""
    ransomware: bool = False
    epss: float | None = None
    epss_percentile: float | None = None


NOTHING = Fact()

AT_BIRTH: Mapping[str, Any] = {
    "state": State.OPEN.value,
    "state_reason": "",
    "state_by": "",
    "state_until_us": None,
    "needs_review": False,
    "owner": "",
    "labels": "[]",
    "fixed_us": None,
    "missed_count": 0,
    "reopened_count": 0,
}
"""The columns that are the same of every new finding."""


def row_of(item: Vulnerability, facts: Mapping[str, Fact], policy: Policy) -> dict[str, Any]:
    """The finding as this sighting alone shows it, without what is so `AT_BIRTH`, in the table's order.

    `facts` are those of the CVEs that have any.
    """
    seen_us = round(item._timestamp * 1_000_000)
    fact = _together(item, facts) if facts and item.cve else NOTHING
    severity, exposure = int(Severity.of(item.severity)), exposure_of(item.ip or item.host)
    kev = item.kev or bool(fact.kev_added)
    percentile = item.epss_percentile if fact.epss_percentile is None else fact.epss_percentile
    runs = 1 if item.run_id else 0
    row = {
        "id": item.finding_id,
        "fingerprint": item.fingerprint,
        "project_id": item.project_id,
        "group_id": group_id(item.project_id, item.template_id, tuple(item.cve)),
        "template_id": item.template_id,
        "template_sha256": item.template_sha256,
        "matcher": item.matcher,
        "engine": item.engine,
        "type": item.type,
        "name": item.name,
        "severity": severity,
        "priority": priority_of(kev=kev, severity=severity, epss_percentile=percentile, exposure=exposure),
        "exposure": exposure,
        "target": canonical_target(item.target),
        "matched_at": item.matched_at,
        "scheme": item.scheme,
        "host": item.host,
        "port": item.port,
        "path": item.path,
        "ip": item.ip,
        "extracted": _list(item.extracted),
        "meta": _encode(item.meta).decode() if item.meta else "{}",
        "description": item.description,
        "impact": item.impact,
        "remediation": item.remediation,
        "reference": _list(item.reference),
        "tags": _list(item.tags),
        "cve": _list(item.cve),
        "cwe": _list(item.cwe),
        "cvss_vector": item.cvss_vector,
        "cvss_score": item.cvss_score,
        "epss": item.epss if fact.epss is None else fact.epss,
        "epss_percentile": percentile,
        "kev": kev,
        "kev_added": fact.kev_added,
        "kev_due": fact.kev_due,
        "ransomware": fact.ransomware,
        "state_at_us": seen_us,
        "due_us": None,
        "first_seen_us": seen_us,
        "last_seen_us": seen_us,
        "last_run_id": item.run_id,
        "run_count": runs,
        "seen_count": runs,
    }
    row["due_us"] = due_of(row, seen_us, policy)
    return row


def evidence_row(item: Vulnerability) -> dict[str, Any]:
    """The row of the evidence that this sighting brings."""
    return {
        "finding_id": item.finding_id,
        "seen_us": round(item._timestamp * 1_000_000),
        "request": item.request,
        "response": item.response,
        "curl": item.curl,
    }


def _together(item: Vulnerability, facts: Mapping[str, Fact]) -> Fact:
    """The worst of what is said of a finding's CVEs."""
    return worst([facts[cve] for cve in item.cve if cve in facts])


def worst(facts: list[Fact]) -> Fact:
    """One fact of several: exploited if any is, due when the first is, the highest EPSS."""
    if not facts:
        return NOTHING
    scored = max(facts, key=lambda fact: -1.0 if fact.epss_percentile is None else fact.epss_percentile)
    return Fact(
        kev_added=min((fact.kev_added for fact in facts if fact.kev_added), default=""),
        kev_due=min((fact.kev_due for fact in facts if fact.kev_due), default=""),
        ransomware=any(fact.ransomware for fact in facts),
        epss=scored.epss,
        epss_percentile=scored.epss_percentile,
    )


def _list(words: list[str]) -> str:
    return _encode(words).decode() if words else "[]"
