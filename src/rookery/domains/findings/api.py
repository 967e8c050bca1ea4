"""The routes of findings: looking at them, deciding about them, taking them elsewhere."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import Query
from starlette.responses import StreamingResponse

from rookery.base.clock import from_us
from rookery.base.structs import ready
from rookery.domains.findings.document import FindingInfo, event_as_json, evidence_as_json, finding_info
from rookery.domains.findings.errors import FindingNotFound
from rookery.domains.findings.rules import Severity, State
from rookery.domains.findings.service import DecisionOutcome
from rookery.domains.findings.store import Place
from rookery.faces.api.routing import (
    After,
    Count,
    Filter,
    Limit,
    Most,
    Page,
    Router,
    counted,
    page_of,
    place_of,
)
from rookery.faces.api.streams import download

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("findings")

Word = Literal["unknown", "info", "low", "medium", "high", "critical"]
Format = Annotated[Literal["csv", "jsonl", "sarif", "defectdojo", "html"], Query(alias="format")]


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the findings a filter chooses. What is dismissed takes a reason; an accepted risk also
    `until`: a day, or a time from now (90d)."""

    filter: str
    state: State
    reason: str = ""
    until: str = ""


class Assignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose the findings are that a filter chooses; nobody's when empty."""

    filter: str
    owner: str


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is worth knowing of the findings that a filter chooses."""

    filter: str
    text: str


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels to be given to, or taken from, the findings that a filter chooses."""

    filter: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class Happening(msgspec.Struct, frozen=True):
    """A line of a finding's history."""

    at: datetime
    kind: str
    actor: str
    from_state: str
    to_state: str
    reason: str
    run_id: str


class Evidence(msgspec.Struct, frozen=True):
    """What was sent and what came back, when the weakness was seen last."""

    seen: datetime
    request: str
    response: str
    curl: str


class FeedInfo(msgspec.Struct, frozen=True):
    """What was imported of what is known of CVEs: `kev` or `epss`, of which day."""

    name: str
    dated: str
    imported: datetime
    entries: int


class Weakness(msgspec.Struct, frozen=True):
    """One weakness on all its targets: how many findings, and how many of them are to be dealt with."""

    id: str
    severity: str
    name: str
    template_id: str
    findings: int
    active: int
    targets: int


@api.get("/findings", "findings:read")
async def list_findings(
    rook: AsyncRook, /, filter_: Filter = "",
    severity: Annotated[list[Word] | None, Query(description="Only these.")] = None,
    target: Annotated[str | None, Query(description="Of this target, and below it.")] = None,
    run_id: Annotated[str | None, Query(description="Seen by this run last.")] = None,
    limit: Limit = 50, after: After = "", count: Count = None,
) -> Page[FindingInfo]:  # fmt: skip
    """List findings, the most urgent first."""
    chosen: Any = {
        "severities": [Severity.of(word) for word in severity or ()], "target": target, "run_id": run_id,
    }  # fmt: skip
    place = place_of(after, Place) if after else None
    found = await rook.findings.list(filter_, **chosen, limit=limit + 1, after=place)
    page = page_of(found, limit, lambda row: Place(row.priority, row.last_seen_us, row.id))
    shown = Page([finding_info(row) for row in page.items], page.next)
    return await counted(shown, count, partial(rook.findings.count, filter_, **chosen))


@api.get("/findings/export", "findings:read")
async def export_findings(rook: AsyncRook, /, format_: Format, filter_: Filter = "") -> StreamingResponse:
    """Findings as other programs read them."""
    return await download(rook.findings.export(format_, filter_), "text/plain")


@api.get("/findings/groups", "findings:read")
async def list_finding_groups(rook: AsyncRook, /, filter_: Filter = "", limit: Most = 50) -> Page[Weakness]:
    """List weaknesses, each with the number of its targets."""
    return Page([Weakness(*group) for group in await rook.findings.groups(filter_, limit=limit)])


@api.get("/findings/feeds", "findings:read")
async def list_feeds(rook: AsyncRook, /) -> Page[FeedInfo]:
    """List what was imported of what is known of CVEs."""
    found = await rook.findings.feeds()
    return Page([FeedInfo(each.name, each.dated, from_us(each.imported_us), each.entries) for each in found])


@api.post("/findings/triage", "findings:triage", HTTPStatus.OK)
async def triage_findings(rook: AsyncRook, /, decision: Decision) -> DecisionOutcome:
    """Bring findings to another state."""
    return await rook.findings.triage(
        decision.filter, decision.state, reason=decision.reason, until=decision.until
    )


@api.post("/findings/assign", "findings:triage", HTTPStatus.OK)
async def assign_findings(rook: AsyncRook, /, assignment: Assignment) -> DecisionOutcome:
    """Give findings to somebody."""
    return await rook.findings.assign(assignment.filter, assignment.owner)


@api.post("/findings/note", "findings:triage", HTTPStatus.OK)
async def note_findings(rook: AsyncRook, /, note: Note) -> DecisionOutcome:
    """Write something into the history of findings."""
    return await rook.findings.note(note.filter, note.text)


@api.post("/findings/label", "findings:triage", HTTPStatus.OK)
async def label_findings(rook: AsyncRook, /, labels: Labels) -> DecisionOutcome:
    """Give labels to findings, or take them."""
    return await rook.findings.label(labels.filter, add=labels.add, remove=labels.remove)


@api.get("/findings/{finding_id}", "findings:read")
async def get_finding(rook: AsyncRook, /, finding_id: str) -> FindingInfo:
    """One finding."""
    return finding_info(await rook.findings.get(finding_id))


@api.get("/findings/{finding_id}/history", "findings:read")
async def get_finding_history(rook: AsyncRook, /, finding_id: str) -> Page[Happening]:
    """What became of a finding, oldest first."""
    found = await rook.findings.history((await rook.findings.get(finding_id)).id)
    return Page([msgspec.convert(event_as_json(event), ready(Happening)) for event in found])


@api.get("/findings/{finding_id}/evidence", "findings:read")
async def get_finding_evidence(rook: AsyncRook, /, finding_id: str) -> Evidence:
    """What shows that it is there."""
    found = await rook.findings.evidence((await rook.findings.get(finding_id)).id)
    if found is None:
        raise FindingNotFound("Nothing is kept of what was sent and came back for this finding.")
    return msgspec.convert(evidence_as_json(found), ready(Evidence))
