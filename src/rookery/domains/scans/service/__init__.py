"""What scans do: keep the scope, run a plan, look after runs, group endpoints in projects."""

from __future__ import annotations

from rookery.domains.scans.service.checking import check_devices
from rookery.domains.scans.service.importing import import_openapi, read_openapi
from rookery.domains.scans.service.projects import (
    add_endpoints,
    create_project,
    delete_project,
    remove_endpoint,
)
from rookery.domains.scans.service.queueing import get_scan_result, resume_scan_async, submit_scan_async
from rookery.domains.scans.service.retesting import Retested, retest
from rookery.domains.scans.service.runs import artifacts, prune_runs, read_artifact, run, runs
from rookery.domains.scans.service.scope import add_to_scope, remove_from_scope
from rookery.domains.scans.service.sightings import Imported, import_findings
from rookery.domains.scans.service.submitting import resume_scan, submit_scan
from rookery.domains.scans.service.trying import try_template

__all__ = [
    "Imported",
    "Retested",
    "add_endpoints",
    "add_to_scope",
    "artifacts",
    "check_devices",
    "create_project",
    "delete_project",
    "get_scan_result",
    "import_findings",
    "import_openapi",
    "prune_runs",
    "read_artifact",
    "read_openapi",
    "remove_endpoint",
    "remove_from_scope",
    "resume_scan",
    "resume_scan_async",
    "retest",
    "run",
    "runs",
    "submit_scan",
    "submit_scan_async",
    "try_template",
]
