"""The routes of findings that take a scan: checking them again, and taking what other scanners have found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from rookery.domains.scans.plan import EMBEDDED
from rookery.domains.scans.service.sightings import Imported
from rookery.faces.api.routing import Router, Submitted, submitted

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("findings")


class Retest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which findings are to be checked again; `include_tags` lets in what is left out by default."""

    filter: str
    include_tags: tuple[str, ...] = ()
    engine: str = EMBEDDED


class FindingsText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nuclei has written, as JSON lines, or another scanner as SARIF; `name` is that of the file."""

    text: str
    name: str = "findings"
    format: str | None = None
    project_id: str = "default"


@api.post("/findings/retest", "scans:run", HTTPStatus.ACCEPTED)
async def retest_findings(rook: AsyncRook, /, retest: Retest) -> Submitted:
    """Have a worker check findings again."""
    return submitted(await rook.tasks.submit_task("findings.retest", retest))


@api.post("/findings/import", "findings:write", HTTPStatus.OK)
async def import_findings(rook: AsyncRook, /, file: FindingsText) -> Imported:
    """Take findings from what a scanner has written. The same again changes nothing but when it was seen."""
    async with written(file.name, file.text) as path:
        return await rook.scans.import_findings(path, format_=file.format, project_id=file.project_id)


@asynccontextmanager
async def written(name: str, text: str) -> AsyncIterator[Path]:
    """A text as a file of this name, for as long as it is read."""
    folder = await asyncio.to_thread(lambda: TemporaryDirectory(prefix="rookery-"))
    try:
        file = Path(folder.name, Path(name).name[:100] or "findings")
        await asyncio.to_thread(file.write_text, text)
        yield file
    finally:
        await asyncio.to_thread(folder.cleanup)
