"""The routes of templates: which checks there are, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import Path, Query

from rookery.domains.templates.reading import Shown
from rookery.domains.templates.rules import Selector
from rookery.domains.templates.survey import Stats
from rookery.faces.api.routing import After, Limit, Page, Router, page_of, place_of

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.mechanisms.engine import Template

api = Router("templates")

Words = Annotated[list[str] | None, Query()]
TemplateId = Annotated[str, Path(pattern=r"^[\w-]{1,200}$")]  # no path: files of this machine are not read


class TemplateInfo(msgspec.Struct, frozen=True):
    """A check in short."""

    id: str
    severity: str
    name: str
    protocols: tuple[str, ...]
    tags: tuple[str, ...]
    author: tuple[str, ...]


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
    rest = [_info(template) for template in found if template.id > place]
    return page_of(rest[: limit + 1], limit, lambda template: template.id)


@api.get("/templates/stats", "templates:read")
async def get_template_stats(rook: AsyncRook, /) -> Stats:
    """How many checks there are, of which kinds, and how many of them run."""
    return await rook.templates.stats()


@api.get("/templates/{template_id}", "templates:read")
async def get_template(rook: AsyncRook, /, template_id: TemplateId) -> Shown:
    """One check: what it is about, what it sends and looks for, whether it runs, who signed it."""
    return await rook.templates.show(template_id)


def _info(template: Template) -> TemplateInfo:
    info = template.info
    return TemplateInfo(
        template.id, info.severity, info.name, tuple(sorted(template.protocols)), tuple(info.tags),
        tuple(info.author),
    )  # fmt: skip
