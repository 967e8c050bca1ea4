"""The routes of scans: runs, what is scanned in projects, and what may be scanned at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Query
from msgspec import Meta
from starlette.responses import StreamingResponse

from rookery.base.clock import from_us
from rookery.domains.scans.document import EndpointInfo, RunInfo, endpoint_document, run_document
from rookery.domains.scans.errors import RunNotFound
from rookery.domains.scans.models import Run, ScopeEntry
from rookery.domains.scans.plan import EMBEDDED, ScanPlan
from rookery.domains.scans.remote import refuse_paths
from rookery.domains.templates.rules import Selector, SeverityWord
from rookery.faces.api.feeds import STILL_HERE, Feeds, event, stream
from rookery.faces.api.routing import After, Limit, Page, Router, Submitted, page_of, place_of, submitted
from rookery.faces.api.streams import File, download

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("scans")


class ProjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A group of what is scanned; an unasked figure is None."""

    id: str
    description: str
    created: datetime
    created_by: str
    endpoint_count: int | None = None
    run_count: int | None = None


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which checks, in nuclei's words; what is empty wants all, or excludes nothing."""

    ids: tuple[str, ...] = ()
    exclude_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    severities: tuple[SeverityWord, ...] = ()
    exclude_severities: tuple[SeverityWord, ...] = ()
    protocols: tuple[str, ...] = ()
    exclude_protocols: tuple[str, ...] = ()


class NewRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be scanned, and with what; without endpoints, those of the project.

    `rate_limit` is in requests per second (0: no limit), `concurrency` in requests under way, `timeout` in
    seconds for each answer. A `run_id` makes it one run, however often it is sent.
    """

    endpoints: tuple[str, ...] = ()
    project_id: str = "default"
    selection: Chosen = Chosen()
    priority: Annotated[int, Meta(ge=1, le=9)] = 5
    rate_limit: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    timeout: Annotated[float, Meta(ge=0.1, le=600)] | None = None
    engine: str = EMBEDDED
    run_id: str = ""

    def plan(self) -> ScanPlan:
        """As the scan knows it."""
        selection = Selector(**msgspec.structs.asdict(self.selection))
        return ScanPlan(**{**msgspec.structs.asdict(self), "selection": selection})


class NewProject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A project: its name is of lower-case letters, digits, - and _."""

    id: str
    description: str = ""


class NewEndpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """URLs, hosts, host:port pairs, or stored configurations, device:r1."""

    endpoints: tuple[str, ...]


class Covered(msgspec.Struct, frozen=True):
    """How many templates ended how on a target."""

    target: str
    ok: int
    error: int
    skipped: int


class Allowed(msgspec.Struct, frozen=True):
    """An address, network or name that may be scanned."""

    entry: str
    added: datetime
    added_by: str


class NewAllowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address, a network in CIDR form, a host name, or *.domain."""

    entry: str


@api.get("/runs", "scans:read")
async def list_runs(
    rook: AsyncRook, /, project: str | None = None, status: str | None = None, limit: Limit = 50,
    after: After = "",
) -> Page[RunInfo]:  # fmt: skip
    """List runs, newest first."""
    before = place_of(after, tuple[int, str]) if after else None
    found = await rook.scans.runs(project_id=project, status=status, limit=limit + 1, before=before)
    page = page_of(found, limit, lambda run: (run.started_us, run.id))
    return Page([_info(run) for run in page.items], page.next)


@api.post("/runs", "scans:run", HTTPStatus.ACCEPTED)
async def create_run(rook: AsyncRook, /, run: NewRun) -> Submitted:
    """Have a worker scan. The same again, while it has not ended, is the same task."""
    refuse_paths(run.endpoints)
    return submitted(await rook.scans.submit_scan_async(run.plan()))


@api.get("/runs/{run_id}", "scans:read")
async def get_run(rook: AsyncRook, /, run_id: str) -> RunInfo:
    """One run, by its id or the beginning of it."""
    return _info(await rook.scans.run(run_id))


@api.get("/runs/{run_id}/coverage", "scans:read")
async def get_run_coverage(rook: AsyncRook, /, run_id: str) -> Page[Covered]:
    """How far a run came, target by target."""
    counts = await rook.scans.coverage_counts((await rook.scans.run(run_id)).id)
    return Page([Covered(target, *figures) for target, figures in counts.items()])


@api.get("/runs/{run_id}/events", "scans:read")
async def follow_run(rook: AsyncRook, /, run_id: str, feeds: Feeds) -> StreamingResponse:
    """A run as it gets on, as server-sent events: `run` whenever it has changed, `end` when it has ended.

    How far it is, the events of its task say.
    """
    run = await rook.scans.run(run_id)
    watch = feeds.of("runs", partial(_look_at, rook))
    return stream(_progress(watch.follow(run.id)))


async def _look_at(rook: AsyncRook, ids: frozenset[str]) -> dict[str, RunInfo]:
    found: dict[str, RunInfo] = {}
    for id_ in ids:
        with suppress(RunNotFound):  # deleted meanwhile
            found[id_] = _info(await rook.scans.run(id_))
    return found


async def _progress(states: AsyncGenerator[RunInfo | None, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(states):
        async for run in states:
            yield STILL_HERE if run is None else event(run, name="run")
            if run is not None and run.status != "running":
                yield event({"status": run.status}, name="end")
                return


@api.post("/runs/{run_id}/resume", "scans:run", HTTPStatus.ACCEPTED)
async def resume_run(rook: AsyncRook, /, run_id: str) -> Submitted:
    """Have a worker do what a run has left undone."""
    return submitted(await rook.scans.resume_scan_async(run_id))


@api.get("/runs/{run_id}/artifacts", "scans:read")
async def list_run_artifacts(rook: AsyncRook, /, run_id: str) -> Page[File]:
    """List the files that a run has left."""
    return Page([File(*each) for each in await rook.scans.artifacts(run_id)])


@api.get("/runs/{run_id}/artifacts/{name:path}", "scans:read")
async def get_run_artifact(rook: AsyncRook, /, run_id: str, name: str) -> StreamingResponse:
    """A file that a run has left."""
    return await download(rook.scans.read_artifact(run_id, name))


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


@api.delete("/projects/{project_id}/endpoints", "projects:write")
async def remove_endpoint(
    rook: AsyncRook, /, project_id: str, endpoint: Annotated[str, Query(description="Its address or id.")]
) -> None:
    """Have a project not scan this any more."""
    await rook.projects.remove_endpoint(project_id, endpoint)


@api.get("/scope", "scans:read")
async def list_scope(rook: AsyncRook, /) -> Page[Allowed]:
    """List what may be scanned beside this machine."""
    return Page([_allowed(each) for each in await rook.scans.scope_entries()])


@api.post("/scope", "scans:scope")
async def add_to_scope(rook: AsyncRook, /, sent: NewAllowed) -> Allowed:
    """Allow something to be scanned."""
    return _allowed(await rook.scans.add_to_scope(sent.entry))


@api.delete("/scope", "scans:scope")
async def remove_from_scope(rook: AsyncRook, /, entry: str) -> None:
    """Allow it no more."""
    await rook.scans.remove_from_scope(entry)


def _info(run: Run) -> RunInfo:
    return msgspec.convert(run_document(run), RunInfo)


def _project(row: Any, endpoint_count: int | None = None, run_count: int | None = None) -> ProjectInfo:
    return ProjectInfo(
        id=row.id, description=row.description, created=from_us(row.created_us), created_by=row.created_by,
        endpoint_count=endpoint_count, run_count=run_count,
    )  # fmt: skip


def _allowed(row: ScopeEntry) -> Allowed:
    return Allowed(row.entry, from_us(row.added_us), row.added_by)
