"""A finding as programs see it: the CLI's --json, exports, and in time the API."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.base.clock import from_us
from rookery.domains.findings.models import Finding, FindingEvent, FindingEvidence
from rookery.domains.findings.rules import Severity

LISTS = ("extracted", "reference", "tags", "labels", "cve", "cwe")
TIMES = ("first_seen_us", "last_seen_us", "state_at_us", "state_until_us", "due_us", "fixed_us")
PLAIN = (
    *("id", "fingerprint", "project_id", "group_id", "template_id", "template_sha256", "matcher", "engine"),
    *("type", "name", "severity", "priority", "exposure", "target", "matched_at", "scheme", "host", "port"),
    *("path", "ip", "extracted", "meta", "description", "impact", "remediation", "reference", "tags"),
    *("cve", "cwe", "cvss_vector", "cvss_score", "epss", "epss_percentile", "kev", "kev_added", "kev_due"),
    *("ransomware", "state", "state_reason", "state_by", "state_at_us", "state_until_us", "needs_review"),
    *("owner", "labels", "due_us", "first_seen_us", "last_seen_us", "fixed_us", "last_run_id", "run_count"),
    *("seen_count", "missed_count", "reopened_count"),
)
"""Every column, in the order in which it is shown and exported."""
KEYS = tuple(name.removesuffix("_us") for name in PLAIN)
"""The keys of `as_json`, in their order."""

_decode = msgspec.json.Decoder().decode


def as_json(finding: Finding) -> dict[str, Any]:
    """Words instead of ranks, RFC 3339 times in UTC, lists as lists."""
    return {name.removesuffix("_us"): _value(name, getattr(finding, name)) for name in PLAIN}


def _value(name: str, value: Any) -> Any:
    if name == "severity":
        return Severity(value).word
    if name in LISTS or name == "meta":
        return [] if value == "[]" else _decode(value)
    if name in TIMES:
        return None if value is None else from_us(value).isoformat()
    return value


def event_as_json(event: FindingEvent) -> dict[str, Any]:
    """One line of a finding's history."""
    return {
        "at": from_us(event.at_us).isoformat(),
        "kind": event.kind,
        "actor": event.actor,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "reason": event.reason,
        "run_id": event.run_id,
    }


def evidence_as_json(evidence: FindingEvidence) -> dict[str, Any]:
    """What was sent and what came back, at most so much of it as is kept."""
    return {
        "seen": from_us(evidence.seen_us).isoformat(),
        "request": evidence.request,
        "response": evidence.response,
        "curl": evidence.curl,
    }
