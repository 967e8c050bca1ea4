"""A run as programs see it: the command line's --json, metadata.json and, in time, the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rookery.base.clock import from_us, now_us
from rookery.domains.scans.models import Run

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
