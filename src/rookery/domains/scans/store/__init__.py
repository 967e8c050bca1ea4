"""Every query of scans: scope, runs and what they covered, projects and their endpoints."""

from __future__ import annotations

from rookery.domains.scans.store.projects import (
    NewEndpoint,
    ProjectFigures,
    add_endpoints,
    add_project,
    delete_project,
    endpoints,
    get_project,
    projects,
    remove_endpoint,
)
from rookery.domains.scans.store.runs import (
    abandon_run,
    begin_run,
    coverage,
    coverage_counts,
    delete_runs,
    end_run,
    get_run,
    put_coverage,
    refuse_existing,
    resume_run,
    run_ids,
    run_of_task,
    runs,
    template_ids,
)
from rookery.domains.scans.store.scope import add_scope_entry, remove_scope_entry, scope_entries

__all__ = [
    "NewEndpoint",
    "ProjectFigures",
    "abandon_run",
    "add_endpoints",
    "add_project",
    "add_scope_entry",
    "begin_run",
    "coverage",
    "coverage_counts",
    "delete_project",
    "delete_runs",
    "end_run",
    "endpoints",
    "get_project",
    "get_run",
    "projects",
    "put_coverage",
    "refuse_existing",
    "remove_endpoint",
    "remove_scope_entry",
    "resume_run",
    "run_ids",
    "run_of_task",
    "runs",
    "scope_entries",
    "template_ids",
]
