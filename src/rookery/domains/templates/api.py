"""The routes of templates: which checks there are, and what they do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import Path, Query

from rookery.domains.templates.listing import Listing, TemplateInfo
from rookery.domains.templates.reading import Shown
from rookery.domains.templates.rules import Selector, SeverityWord
from rookery.domains.templates.survey import Stats
from rookery.faces.api.routing import After, Limit, Page, Router, page_of, place_of

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("templates")

Words = Annotated[list[str] | None, Query()]
TemplateId = Annotated[str, Path(pattern=r"^[\w-]{1,200}$")]  # no path: files of this machine are not read


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

    def selector(self) -> Selector:
        """As templates know it."""
        return Selector(**msgspec.structs.asdict(self))


@api.get("/templates", "templates:read")
async def list_templates(
    rook: AsyncRook, /, id_: Annotated[list[str] | None, Query(alias="id")] = None, tag: Words = None,
    severity: Words = None, protocol: Words = None, limit: Limit = 100, after: After = "",
) -> Page[TemplateInfo]:  # fmt: skip
    """List checks by id."""
    selector = Selector(
        ids=tuple(id_ or ()), tags=tuple(tag or ()), severities=tuple(severity or ()),
        protocols=tuple(protocol or ()),
    )  # fmt: skip
    place = place_of(after, str) if after else ""
    found = sorted((await rook.templates.list(selector)).templates, key=lambda template: template.id)
    rest = [template for template in found if template.id > place]
    return page_of(rest[: limit + 1], limit, lambda template: template.id)


@api.post("/templates/selection", "templates:read", HTTPStatus.OK)
async def select_templates(rook: AsyncRook, /, chosen: Chosen) -> Listing:
    """What a scan with this selection would run, and what it would leave out."""
    return await rook.templates.list(chosen.selector())


@api.get("/templates/stats", "templates:read")
async def get_template_stats(rook: AsyncRook, /) -> Stats:
    """How many checks there are, of which kinds, and how many of them run."""
    return await rook.templates.stats()


@api.get("/templates/{template_id}", "templates:read")
async def get_template(rook: AsyncRook, /, template_id: TemplateId) -> Shown:
    """One check: what it is about, what it sends and looks for, whether it runs, who signed it."""
    return await rook.templates.show(template_id)
