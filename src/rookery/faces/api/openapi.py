"""The OpenAPI document: FastAPI's for paths and parameters, msgspec's for what is sent and answered."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from rookery.faces.api.documents import Changes, Submitted
from rookery.faces.api.endpoint import Endpoint, IfMatch
from rookery.faces.api.examples import Examples
from rookery.faces.api.feeds import Feeds
from rookery.faces.api.problems import ProblemDetails, described

ABOUT = """Everything that Rookery can do. Send a token as `Authorization: Bearer rk_…`; one is made by
`rookery tokens create`. Lists come in pages: hand `next` back as `after`. Errors are problem+json (RFC 9457).
"""
REFERENCE = "#/components/schemas/{name}"


def document_of(app: FastAPI, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document of an application's routes, which these endpoints answer."""
    document = get_openapi(
        title=app.title, version=app.version, description=ABOUT, routes=app.routes, openapi_version="3.1.0"
    )
    by_name = {endpoint.__name__: endpoint for endpoint in endpoints}
    schemas = _Schemas(list(by_name.values()))
    for path in document["paths"].values():
        for method, operation in path.items():
            _describe(operation, method, by_name[operation["operationId"]], schemas)
    document["components"] = {
        "schemas": schemas.components,
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    }
    return document


class _Schemas:
    """The schemas of all that is sent and answered, and the references to them."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._types = [
            ProblemDetails,
            *(_sent(each) for each in endpoints),
            *(_answered(each) for each in endpoints),
        ]
        schemas, components = msgspec.json.schema_components(
            [kind for kind in self._types if kind is not None], ref_template=REFERENCE
        )
        self.components: dict[str, Any] = _as_generators_read_it(components)
        known = (kind for kind in self._types if kind is not None)
        self._schemas = {id(kind): schema for kind, schema in zip(known, schemas, strict=True)}
        self._examples = Examples(self.components)

    def content(self, kind: Any) -> dict[str, Any]:
        """A body of a type: its schema, and an example of it."""
        schema = self._schemas[id(kind)]
        return {"application/json": {"schema": schema, "example": self._examples.of(schema)}}


def _as_generators_read_it(schema: Any) -> Any:
    """Without `items: false`, which says of tuples again what `maxItems` says: not all generators know it."""
    if isinstance(schema, dict):
        return {
            key: _as_generators_read_it(part)
            for key, part in schema.items()
            if not (key == "items" and part is False)
        }
    return [_as_generators_read_it(each) for each in schema] if isinstance(schema, list) else schema


def _sent(endpoint: Endpoint) -> Any:
    if endpoint.body is None:
        return None
    _, kind = endpoint.body
    return kind.type if isinstance(kind, Changes) else kind


def _answered(endpoint: Endpoint) -> Any:
    answers = endpoint.answers
    is_opaque = answers is type(None) or (isinstance(answers, type) and issubclass(answers, Response))
    return None if is_opaque else answers


def _describe(operation: dict[str, Any], method: str, endpoint: Endpoint, schemas: _Schemas) -> None:
    success: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if (answers := _answered(endpoint)) is not None:
        success["content"] = schemas.content(answers)
    elif Feeds in endpoint.wants:
        success["content"] = _EVENTS
    if (sent := _sent(endpoint)) is not None:
        operation["requestBody"] = {"required": True, "content": schemas.content(sent)}
    if endpoint.answers is Submitted:
        operation.setdefault("parameters", []).append(_PREFER)
    if IfMatch in endpoint.wants:
        operation.setdefault("parameters", []).append(_IF_MATCH | {"required": method != "delete"})
    if endpoint.permission is not None:
        operation["security"] = [{"token": []}]
        operation["x-permission"] = endpoint.permission
    operation["responses"] = {str(int(endpoint.status)): success, "default": described()}


_EVENTS = {
    "text/event-stream": {
        "schema": {"type": "string"},
        "example": 'id: 4711\nevent: device.created\ndata: {"object": "r1", "actor": "ada"}\n\n',
    }
}
_PREFER = {
    "name": "Prefer", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "wait=10: answer when the task has ended, or after so many seconds (60 at most).",
}  # fmt: skip
_IF_MATCH = {
    "name": "If-Match", "in": "header", "schema": {"type": "string"},
    "description": "The ETag of what you change; * for whichever there is.",
}  # fmt: skip
