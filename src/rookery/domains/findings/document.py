"""A finding as programs see it: the CLI's --json, exports and the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from rookery.base.clock import from_us
from rookery.base.structs import ready
from rookery.domains.findings.models import Finding, FindingEvent, FindingEvidence
from rookery.domains.findings.rules import Severity

LISTS = ("extracted", "reference", "tags", "labels", "cve", "cwe")
TIMES = ("first_seen_us", "last_seen_us", "state_at_us", "state_until_us", "due_us", "fixed_us")
_decode = msgspec.json.Decoder().decode


class FindingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A finding: one weakness of one target, whatever the number of sightings. `due`, `state_until` and the
    like are None where there is no such date."""

    id: str
    fingerprint: str
    project_id: str
    group_id: str
    template_id: str
    template_sha256: str
    matcher: str
    engine: str
    type: str
    name: str
    severity: str
    priority: int
    exposure: int
    target: str
    matched_at: str
    scheme: str
    host: str
    port: int
    path: str
    ip: str
    extracted: tuple[str, ...]
    meta: dict[str, Any]
    description: str
    impact: str
    remediation: str
    reference: tuple[str, ...]
    tags: tuple[str, ...]
    cve: tuple[str, ...]
    cwe: tuple[str, ...]
    cvss_vector: str
    cvss_score: float | None
    epss: float | None
    epss_percentile: float | None
    kev: bool
    kev_added: str
    kev_due: str
    ransomware: bool
    state: str
    state_reason: str
    state_by: str
    state_at: datetime
    state_until: datetime | None
    needs_review: bool
    owner: str
    labels: tuple[str, ...]
    due: datetime | None
    first_seen: datetime
    last_seen: datetime
    fixed: datetime | None
    last_run_id: str
    run_count: int
    seen_count: int
    missed_count: int
    reopened_count: int


KEYS = FindingInfo.__struct_fields__
"""The keys of `as_json`, in their order."""
PLAIN = tuple(f"{key}_us" if f"{key}_us" in TIMES else key for key in KEYS)
"""Every column, in the order in which it is shown and exported."""


def finding_info(finding: Finding) -> FindingInfo:
    """A row, read."""
    return msgspec.convert(as_json(finding), ready(FindingInfo))


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
