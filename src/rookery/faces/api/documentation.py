"""What the API can do: as an OpenAPI document for programs, as a page for people."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import HTMLResponse, Response

from rookery.faces.api.routing import PREFIX, Router

api = Router("documentation")

POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"


@api.get(f"{PREFIX}/openapi.json", None)
async def get_openapi_document(_rook: Any, /, request: Request) -> Response:
    """This document."""
    return Response(msgspec.json.encode(request.app.state.document), media_type="application/json")


@api.get("/docs", None)
async def get_documentation(_rook: Any, /, request: Request) -> HTMLResponse:
    """This document, for people."""
    page = _template().render(document=request.app.state.document, groups=_by_tag(request.app.state.document))
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


@api.get("/docs.css", None)
async def get_documentation_style(_rook: Any, /) -> Response:
    """How the page of the documentation looks."""
    return Response(_file("docs.css"), media_type="text/css")


def _by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = {"method": method.upper(), "path": path, **operation}
            found.setdefault(operation["tags"][0], []).append(shown)
    return found


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_file("docs.html"))


def _file(name: str) -> str:
    return files("rookery.faces.api").joinpath(name).read_text(encoding="utf-8")
