"""Keeping projects and their endpoints, whether named one by one or read from an API's document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rookery.domains.scans import store
from rookery.domains.scans.endpoints import parse_endpoint
from rookery.domains.scans.errors import BadProjectName, DefaultProjectStays
from rookery.domains.scans.events import EndpointsAdded, EndpointsRemoved, ProjectCreated, ProjectDeleted
from rookery.domains.scans.models import DEFAULT_PROJECT, Endpoint, Project
from rookery.domains.scans.store import NewEndpoint
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LISTED = 20  # addresses that an audit entry names; it says how many there were


@dual
def create_project(rook: Rook, /, project_id: str, *, description: str = "") -> Project:
    """Make a project. Raises BadProjectName, ProjectExists."""
    if not NAME.fullmatch(project_id):
        raise BadProjectName(f"{project_id[:80]!r}: {BadProjectName.__doc__}")
    with rook.transaction() as session:
        project = store.add_project(session, project_id, description=description, created_by=rook.actor)
        rook.emit(ProjectCreated(project_id))
    return project


@dual
def delete_project(rook: Rook, /, project_id: str) -> None:
    """Delete a project and its endpoints; its runs and findings stay. Raises ProjectNotFound.

    The default project is never deleted: DefaultProjectStays.
    """
    if project_id == DEFAULT_PROJECT:
        raise DefaultProjectStays
    with rook.transaction() as session:
        count = len(store.endpoints(session, project_id))
        store.delete_project(session, project_id)
        rook.emit(ProjectDeleted(project_id, count))


@dual
def add_endpoints(rook: Rook, /, project_id: str, texts: Iterable[str]) -> list[Endpoint]:
    """Add URLs, hosts, host:port pairs or paths to a project; those that are new to it.

    Raises BadTarget for the first that is none of these, ProjectNotFound.
    """
    parsed = [parse_endpoint(text) for text in texts]
    return keep(rook, project_id, [NewEndpoint(each.kind, each.address) for each in parsed])


def keep(rook: Rook, project_id: str, new: Sequence[NewEndpoint]) -> list[Endpoint]:
    """Store what is new of these, and say so."""
    with rook.transaction() as session:
        added = store.add_endpoints(session, project_id, new, added_by=rook.actor)
        if added:
            rook.emit(EndpointsAdded(project_id, tuple(each.address for each in added[:LISTED]), len(added)))
    return added


@dual
def remove_endpoint(rook: Rook, /, project_id: str, endpoint: str) -> list[Endpoint]:
    """Remove an endpoint by its address (every operation there) or its id. Raises EndpointNotFound."""
    with rook.transaction() as session:
        removed = store.remove_endpoint(session, project_id, endpoint)
        rook.emit(
            EndpointsRemoved(project_id, tuple(each.address for each in removed[:LISTED]), len(removed))
        )
    return removed
