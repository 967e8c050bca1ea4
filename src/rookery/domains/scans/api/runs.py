"""The routes of scans: runs, and what may be scanned at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta
from starlette.responses import StreamingResponse

from rookery.base.clock import from_us
from rookery.base.structs import ready
from rookery.domains.scans.document import RunInfo, run_document
from rookery.domains.scans.errors import RunNotFound
from rookery.domains.scans.models import Run, ScopeEntry
from rookery.domains.scans.plan import EMBEDDED, ScanPlan, ScanResult
from rookery.domains.scans.remote import refuse_paths
from rookery.domains.templates.api import Chosen
from rookery.faces.api.feeds import STILL_HERE, Feeds, event, stream
from rookery.faces.api.routing import After, Limit, Page, Router, Submitted, page_of, place_of, submitted
from rookery.faces.api.streams import File, download

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("scans")


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
        return ScanPlan(**{**msgspec.structs.asdict(self), "selection": self.selection.selector()})


class Result(msgspec.Struct, frozen=True):
    """What came of a scan; None while it has not ended."""

    result: ScanResult | None


class Older(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ended before this moment is meant."""

    before: datetime


class Resumption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How urgent it is that a run goes on."""

    priority: Annotated[int, Meta(ge=1, le=9)] = 5


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


@api.post("/configurations/check", "scans:run", HTTPStatus.ACCEPTED)
async def check_configurations(rook: AsyncRook, /, run: NewRun) -> Submitted:
    """Have workers scan stored configurations, `device:NAME` or `device:*`, each by a run of its own."""
    refuse_paths(run.endpoints)
    return submitted(await rook.scans.check_devices(run.plan()))


@api.get("/runs/{run_id}", "scans:read")
async def get_run(rook: AsyncRook, /, run_id: str) -> RunInfo:
    """One run, by its id or the beginning of it."""
    return _info(await rook.scans.run(run_id))


@api.get("/runs/{run_id}/result", "scans:read")
async def get_run_result(rook: AsyncRook, /, run_id: str) -> Result:
    """What came of a scan, by the id of its run or of its task."""
    return Result(await rook.scans.get_scan_result(run_id))


@api.get("/runs/{run_id}/templates", "scans:read")
async def list_run_templates(rook: AsyncRook, /, run_id: str) -> Page[str]:
    """List the ids of the templates that a run has used."""
    return Page(list(await rook.scans.template_ids((await rook.scans.run(run_id)).id)))


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
async def resume_run(rook: AsyncRook, /, run_id: str, resumption: Resumption) -> Submitted:
    """Have a worker do what a run has left undone."""
    return submitted(await rook.scans.resume_scan_async(run_id, priority=resumption.priority))


@api.get("/runs/{run_id}/artifacts", "scans:read")
async def list_run_artifacts(rook: AsyncRook, /, run_id: str) -> Page[File]:
    """List the files that a run has left."""
    return Page([File(*each) for each in await rook.scans.artifacts(run_id)])


@api.get("/runs/{run_id}/artifacts/{name:path}", "scans:read")
async def get_run_artifact(rook: AsyncRook, /, run_id: str, name: str) -> StreamingResponse:
    """A file that a run has left."""
    return await download(rook.scans.read_artifact(run_id, name))


@api.post("/runs/prune", "scans:write", HTTPStatus.OK)
async def prune_runs(rook: AsyncRook, /, older: Older) -> Page[str]:
    """Forget runs and what they have left; their ids are answered. Findings stay."""
    return Page(await rook.scans.prune_runs(older.before))


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
    return msgspec.convert(run_document(run), ready(RunInfo))


def _allowed(row: ScopeEntry) -> Allowed:
    return Allowed(row.entry, from_us(row.added_us), row.added_by)
