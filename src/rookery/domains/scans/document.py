"""Runs and endpoints as programs see them: the command line's --json, metadata.json and the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from rookery.base.clock import from_us, now_us
from rookery.domains.scans.models import Endpoint, Run


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A run: what it was asked, how far it came, what it left out and why. `plan` is a ScanPlan."""

    id: str
    project_id: str
    status: str
    engine: str
    engine_version: str
    actor: str
    task_id: str | None
    started: datetime
    finished: datetime | None
    duration_ms: int
    targets: tuple[str, ...]
    template_count: int
    requests: int
    findings: int
    errors: int
    unreached: int
    severities: dict[str, int]
    skipped: dict[str, Any]
    trouble: str | None
    messages: tuple[str, ...]
    plan: dict[str, Any]


class EndpointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a project scans. `kind` is url, host, host:port, path or device."""

    id: str
    project_id: str
    kind: str
    address: str
    method: str
    name: str
    source: str
    added: datetime
    added_by: str


FIGURES = ("requests", "findings", "errors", "unreached", "duration_ms")


def run_document(run: Run) -> dict[str, Any]:
    """Times in RFC 3339 and UTC, figures as numbers, lists as lists."""
    counts = msgspec.json.decode(run.counts)
    return {
        "id": run.id,
        "project_id": run.project_id,
        "status": run.status,
        "engine": run.engine,
        "engine_version": run.engine_version,
        "actor": run.actor,
        "task_id": run.task_id,
        "started": from_us(run.started_us).isoformat(),
        "finished": None if run.finished_us is None else from_us(run.finished_us).isoformat(),
        "duration_ms": duration_ms(run, counts),
        "targets": msgspec.json.decode(run.targets),
        "template_count": run.template_count,
        **{name: counts.get(name, 0) for name in FIGURES if name != "duration_ms"},
        "severities": {name: count for name, count in counts.items() if name not in FIGURES},
        "skipped": msgspec.json.decode(run.skipped),
        "trouble": run.trouble,
        "messages": [error["message"] for error in msgspec.json.decode(run.errors)],
        "plan": msgspec.json.decode(run.plan),
    }


def duration_ms(run: Run, counts: Mapping[str, int]) -> int:
    """How long a run was at work; how long it is, while it has not ended."""
    if "duration_ms" in counts:
        return counts["duration_ms"]
    return ((run.finished_us or now_us()) - run.started_us) // 1000


def endpoint_document(endpoint: Endpoint) -> EndpointInfo:
    """An endpoint as programs see it."""
    return EndpointInfo(
        id=endpoint.id, project_id=endpoint.project_id, kind=endpoint.kind, address=endpoint.address,
        method=endpoint.method, name=endpoint.name, source=endpoint.source, added=from_us(endpoint.added_us),
        added_by=endpoint.added_by,
    )  # fmt: skip
