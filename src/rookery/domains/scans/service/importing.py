"""Endpoints from an API's document, which is a file, or fetched under the scope and a limit of size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rookery.domains.scans import store
from rookery.domains.scans.endpoints import host_of, is_path, parse_endpoint
from rookery.domains.scans.errors import BadTarget, DocumentNotFetched, DocumentNotFound, TargetOutOfScope
from rookery.domains.scans.models import Endpoint
from rookery.domains.scans.openapi import (
    Api,
    BadApiDocument,
    Filling,
    Operation,
    Parameter,
    read_api,
    read_document,
)
from rookery.domains.scans.openapi.document import LARGEST
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.service.projects import keep
from rookery.domains.scans.store import NewEndpoint
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.mechanisms.engine import Response

OK = 200
NOTHING_FILLED = Filling()


class ApiEndpoints(msgspec.Struct, frozen=True):
    """What an API's document has to scan.

    `complete` are endpoints; `incomplete` operations lack the values of these parameters; `unusable` gives by
    operation why it cannot be understood.
    """

    complete: list[NewEndpoint]
    incomplete: list[tuple[Operation, tuple[Parameter, ...]]]
    unusable: dict[str, str]


@dual
def read_openapi(
    rook: Rook,
    /,
    source: str,
    *,
    text: str | None = None,
    server: str = "",
    filling: Filling = NOTHING_FILLED,
) -> ApiEndpoints:
    """The endpoints in an OpenAPI document, a file or a URL; `server` takes the place of those it names.

    With its `text`, that is read, and `source` is what it is called.

    Raises BadApiDocument, DocumentNotFound, DocumentNotFetched, TargetOutOfScope.
    """
    is_url = "://" in source
    data = _data(rook, source, is_url) if text is None else text.encode()
    document = rook.offload(read_document, data, source)
    server = parse_endpoint(server).target if server else ""
    try:
        api = read_api(document, base=source if is_url else "", server=server)
    except BadApiDocument as error:
        raise BadApiDocument(f"{source}: {error}") from None
    if not (api.operations or api.unusable):
        raise BadApiDocument(f"{source}: it describes no operation, so there is nothing to scan.")
    return _sorted_out(api, filling, source)


@dual
def import_openapi(
    rook: Rook,
    /,
    project_id: str,
    source: str,
    *,
    text: str | None = None,
    server: str = "",
    filling: Filling = NOTHING_FILLED,
) -> tuple[list[Endpoint], ApiEndpoints]:
    """Add to a project what `read_openapi` finds and is new to it; what was added, and all that was found."""
    store.get_project(rook, project_id)
    found = read_openapi(rook, source, text=text, server=server, filling=filling)
    return keep(rook, project_id, found.complete), found


def _sorted_out(api: Api, filling: Filling, source: str) -> ApiEndpoints:
    found = ApiEndpoints([], [], dict(api.unusable))
    for operation in api.operations:
        values = filling.values(operation)
        if missing := operation.missing(values):
            found.incomplete.append((operation, missing))
            continue
        try:
            kind, address = parse_endpoint(operation.url(values))
        except BadTarget as error:
            found.unusable[operation.key] = str(error)
            continue
        found.complete.append(NewEndpoint(kind, address, operation.method, operation.name[:200], source))
    return found


def _data(rook: Rook, source: str, is_url: bool) -> bytes:
    return _fetched(rook, source) if is_url else rook.offload(_read, Path(source))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise DocumentNotFound(f"{path}: {error.strerror}.") from None


def _fetched(rook: Rook, url: str) -> bytes:
    """The document at a URL, wherever in the scope it redirects to."""
    from rookery.mechanisms.engine import Target
    from rookery.mechanisms.transport import HttpClient, OutOfScope, TransportError, reach

    target = parse_endpoint(url).target
    if is_path(target):
        raise BadTarget(f"{url} is not fetched: name a file by its path alone.")
    with rook.reading() as session:
        scope = Scope(row.entry for row in store.scope_entries(session))
    host = host_of(target)
    if not scope.admits(host):
        raise TargetOutOfScope(f"{url} is not in the scope. If it is yours: rookery scope add {host}")

    seconds = rook.current_config().scan.timeout

    async def fetch() -> Response:
        async with HttpClient(
            lambda host, address, _port: scope.allows(host, address), timeout=seconds
        ) as client:
            return await reach(client, Target(target))

    try:
        page = rook.wait_for(fetch)
    except (TransportError, OutOfScope) as error:
        raise DocumentNotFetched(f"{url}: {error}.") from None
    if page.status != OK:
        raise DocumentNotFetched(f"{url} answers with status {page.status}.")
    if page.truncated:
        raise DocumentNotFetched(f"{url} is endless, or longer than {len(page.body) >> 20} MB.")
    return page.body
