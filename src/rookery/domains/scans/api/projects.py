"""The routes of projects: what is scanned, also by what an API's document describes."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Query

from rookery.base.clock import from_us
from rookery.domains.scans.document import EndpointInfo, endpoint_document
from rookery.domains.scans.errors import FilesFromAfar
from rookery.domains.scans.openapi import BadApiDocument, Filling
from rookery.domains.scans.remote import refuse_paths
from rookery.domains.scans.service.importing import ApiEndpoints
from rookery.faces.api.routing import Page, Router

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("projects")


class ProjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A group of what is scanned; an unasked figure is None."""

    id: str
    description: str
    created: datetime
    created_by: str
    endpoint_count: int | None = None
    run_count: int | None = None


class ApiDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OpenAPI document: the URL in the scope that it is fetched from, or its text.

    `server` takes the place of those it names; `values` and `form` are values of parameters: by name for all
    operations, or by operation and name.
    """

    source: str = ""
    text: str = ""
    server: str = ""
    values: dict[str, str] = {}
    form: dict[str, dict[str, str]] = {}


class ApiRead(msgspec.Struct, frozen=True):
    """What a document had to scan, and which endpoints of it are new to the project."""

    added: list[EndpointInfo]
    found: ApiEndpoints


class NewProject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A project: its name is of lower-case letters, digits, - and _."""

    id: str
    description: str = ""


class NewEndpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """URLs, hosts, host:port pairs, or stored configurations, device:r1."""

    endpoints: tuple[str, ...]


@api.get("/projects", "projects:read")
async def list_projects(rook: AsyncRook, /) -> Page[ProjectInfo]:
    """List projects by name."""
    found = await rook.projects.list()
    return Page([_project(each.project, each.endpoint_count, each.run_count) for each in found])


@api.post("/projects", "projects:write")
async def create_project(rook: AsyncRook, /, project: NewProject) -> ProjectInfo:
    """Make a project."""
    return _project(await rook.projects.create(project.id, description=project.description))


@api.get("/projects/{project_id}", "projects:read")
async def get_project(rook: AsyncRook, /, project_id: str) -> ProjectInfo:
    """One project."""
    return _project(await rook.projects.get(project_id))


@api.delete("/projects/{project_id}", "projects:write")
async def delete_project(rook: AsyncRook, /, project_id: str) -> None:
    """Delete a project and its endpoints; runs and findings stay."""
    await rook.projects.delete(project_id)


@api.get("/projects/{project_id}/endpoints", "projects:read")
async def list_endpoints(rook: AsyncRook, /, project_id: str) -> Page[EndpointInfo]:
    """List what a project scans."""
    return Page([endpoint_document(each) for each in await rook.projects.endpoints(project_id)])


@api.post("/projects/{project_id}/endpoints", "projects:write", HTTPStatus.OK)
async def add_endpoints(rook: AsyncRook, /, project_id: str, sent: NewEndpoints) -> Page[EndpointInfo]:
    """Have a project scan these, too; those that are new are answered."""
    refuse_paths(sent.endpoints)
    added = await rook.projects.add_endpoints(project_id, sent.endpoints)
    return Page([endpoint_document(each) for each in added])


@api.post("/projects/{project_id}/openapi", "projects:write", HTTPStatus.OK)
async def import_openapi(rook: AsyncRook, /, project_id: str, document: ApiDocument) -> ApiRead:
    """Have a project scan what an OpenAPI document describes; those endpoints that are new are answered."""
    added, found = await rook.projects.import_openapi(project_id, document.source, **_told(document))
    return ApiRead([endpoint_document(each) for each in added], found)


@api.post("/openapi/read", "projects:write", HTTPStatus.OK)
async def read_openapi(rook: AsyncRook, /, document: ApiDocument) -> ApiEndpoints:
    """What an OpenAPI document has to scan; nothing is kept."""
    return await rook.projects.read_openapi(document.source, **_told(document))


@api.delete("/projects/{project_id}/endpoints", "projects:write")
async def remove_endpoint(
    rook: AsyncRook, /, project_id: str, endpoint: Annotated[str, Query(description="Its address or id.")]
) -> None:
    """Have a project not scan this any more."""
    await rook.projects.remove_endpoint(project_id, endpoint)


def _told(document: ApiDocument) -> dict[str, Any]:
    """What is to be read. Raises BadApiDocument, FilesFromAfar: no file of this machine is read."""
    if not (document.text or document.source):
        raise BadApiDocument("Send the text of the document, or the URL that it is fetched from.")
    if not document.text and "://" not in document.source:
        raise FilesFromAfar("A file of this machine is not read from afar: send its text.")
    return {
        "text": document.text or None, "server": document.server,
        "filling": Filling(document.values, document.form),
    }  # fmt: skip


def _project(row: Any, endpoint_count: int | None = None, run_count: int | None = None) -> ProjectInfo:
    return ProjectInfo(
        id=row.id, description=row.description, created=from_us(row.created_us), created_by=row.created_by,
        endpoint_count=endpoint_count, run_count=run_count,
    )  # fmt: skip
