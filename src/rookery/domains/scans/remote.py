"""Plans that come from afar: no caller of the API has this machine's files read."""

from __future__ import annotations

from rookery.domains.scans.endpoints import names_files
from rookery.domains.scans.errors import FilesFromAfar
from rookery.domains.scans.plan import ScanPlan


def refuse_files(plan: ScanPlan) -> None:
    """Raise FilesFromAfar for a plan that names files, to be scanned or to be run."""
    refuse_paths(plan.endpoints)
    if plan.templates or plan.selection.exclude_templates:
        raise FilesFromAfar("Templates are chosen by id, tag or severity from here, not by their files.")


def refuse_paths(endpoints: tuple[str, ...]) -> None:
    """Raise FilesFromAfar when one of these is a path."""
    for endpoint in endpoints:
        if names_files(endpoint):
            raise FilesFromAfar(f"{endpoint} is a path: files are scanned by `rookery scan`, where they are.")
