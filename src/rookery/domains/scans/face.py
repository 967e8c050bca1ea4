"""The verbs of scans and projects on a Rook: `rook.scans.submit_scan(plan)`, `rook.projects.list()`.

On an AsyncRook they are awaited: `await arook.scans.submit_scan(plan)`.
"""

from __future__ import annotations

from rookery.domains.scans import service, store
from rookery.mechanisms.face import Face, RookT, bound, bound_stream


class Scans(Face[RookT]):
    """Look for weaknesses, within the scope."""

    submit_scan = bound(service.submit_scan)
    submit_scan_async = bound(service.submit_scan_async)
    check_devices = bound(service.check_devices)
    get_scan_result = bound(service.get_scan_result)
    resume_scan = bound(service.resume_scan)
    resume_scan_async = bound(service.resume_scan_async)
    try_template = bound(service.try_template)
    import_findings = bound(service.import_findings)
    retest = bound(service.retest)
    runs = bound(service.runs)
    run = bound(service.run)
    coverage = bound(store.coverage)
    coverage_counts = bound(store.coverage_counts)
    template_ids = bound(store.template_ids)
    artifacts = bound(service.artifacts)
    read_artifact = bound_stream(service.read_artifact)
    prune_runs = bound(service.prune_runs)
    add_to_scope = bound(service.add_to_scope)
    remove_from_scope = bound(service.remove_from_scope)
    scope_entries = bound(store.scope_entries)


class Projects(Face[RookT]):
    """Group what is scanned."""

    list = bound(store.projects)
    get = bound(store.get_project)
    create = bound(service.create_project)
    delete = bound(service.delete_project)
    endpoints = bound(store.endpoints)
    add_endpoints = bound(service.add_endpoints)
    remove_endpoint = bound(service.remove_endpoint)
    read_openapi = bound(service.read_openapi)
    import_openapi = bound(service.import_openapi)
