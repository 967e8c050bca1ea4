"""Projects and their endpoints, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import asdict
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.scans.errors import EndpointNotFound, ProjectExists, ProjectNotFound
from rookery.domains.scans.models import Endpoint, Project, Run
from rookery.mechanisms.dual import dual, dual_read


class NewEndpoint(msgspec.Struct, frozen=True):
    """An endpoint to be added; `method` and `name` are those of an API's operation."""

    kind: str
    address: str
    method: str = ""
    name: str = ""
    source: str = ""


class ProjectFigures(NamedTuple):
    """A project with the number of its endpoints and runs."""

    project: Project
    endpoint_count: int
    run_count: int


@dual_read
def projects(session: Session, /) -> list[ProjectFigures]:
    """Every project, by name."""
    found = session.scalars(select(Project).order_by(Project.id))
    endpoints = dict(_counts(session, Endpoint.project_id))
    runs = dict(_counts(session, Run.project_id))
    return [ProjectFigures(each, endpoints.get(each.id, 0), runs.get(each.id, 0)) for each in found]


def _counts(session: Session, column: object) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in session.execute(select(column, func.count()).group_by(column))]  # type: ignore[call-overload]


@dual_read
def get_project(session: Session, /, project_id: str) -> Project:
    """The project of this name. Raises ProjectNotFound."""
    if project := session.get(Project, project_id):
        return project
    raise ProjectNotFound(f"There is no project {project_id}. Make it: rookery projects create {project_id}")


@dual
def add_project(session: Session, /, project_id: str, *, description: str, created_by: str) -> Project:
    """Store a new project. Raises ProjectExists."""
    if session.get(Project, project_id):
        raise ProjectExists(f"There is a project {project_id} already.")
    project = Project(id=project_id, description=description, created_us=now_us(), created_by=created_by)
    session.add(project)
    session.flush()
    return project


@dual
def delete_project(session: Session, /, project_id: str) -> None:
    """Delete a project and its endpoints."""
    session.execute(delete(Project).where(Project.id == project_id))


@dual_read
def endpoints(session: Session, /, project_id: str) -> list[Endpoint]:
    """The endpoints of a project, by address and method. Raises ProjectNotFound."""
    get_project(session, project_id)
    query = select(Endpoint).where(Endpoint.project_id == project_id)
    return list(session.scalars(query.order_by(Endpoint.address, Endpoint.method)))


@dual
def add_endpoints(
    session: Session, /, project_id: str, new: Sequence[NewEndpoint], *, added_by: str
) -> list[Endpoint]:
    """Add to a project what it does not have yet, and return that. Raises ProjectNotFound."""
    known = {(each.address, each.method) for each in endpoints(session, project_id)}
    added: list[Endpoint] = []
    for each in new:
        if (each.address, each.method) not in known:
            known.add((each.address, each.method))
            added.append(
                Endpoint(
                    id=new_id(), project_id=project_id, added_us=now_us(), added_by=added_by, **asdict(each)
                )
            )
    session.add_all(added)
    session.flush()
    return added


@dual
def remove_endpoint(session: Session, /, project_id: str, endpoint: str) -> list[Endpoint]:
    """Remove the endpoints with this address, or the one with this id. Raises EndpointNotFound."""
    found = [each for each in endpoints(session, project_id) if endpoint in (each.address, each.id)]
    if not found:
        raise EndpointNotFound(
            f"{endpoint} is no endpoint of the project {project_id}. `rookery endpoints list` shows them."
        )
    session.execute(delete(Endpoint).where(Endpoint.id.in_([each.id for each in found])))
    return found
