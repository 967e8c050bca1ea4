"""A finding as programs see it: the CLI's --json and, in time, the API."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.base.clock import from_us
from rookery.domains.findings.models import Finding
from rookery.domains.findings.rules import Severity


def as_json(finding: Finding) -> dict[str, Any]:
    """Words instead of ranks, RFC 3339 times in UTC, lists as lists."""
    return {
        "id": finding.id,
        "template_id": finding.template_id,
        "matcher": finding.matcher,
        "name": finding.name,
        "severity": Severity(finding.severity).word,
        "target": finding.target,
        "matched_at": finding.matched_at,
        "extracted": msgspec.json.decode(finding.extracted),
        "description": finding.description,
        "remediation": finding.remediation,
        "reference": msgspec.json.decode(finding.reference),
        "tags": msgspec.json.decode(finding.tags),
        "first_seen": from_us(finding.first_seen_us).isoformat(),
        "last_seen": from_us(finding.last_seen_us).isoformat(),
        "last_run_id": finding.last_run_id,
        "run_count": finding.run_count,
    }
