"""What the API can do: as an OpenAPI document for programs, as a page for people."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec
from fastapi import Request
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from rookery.faces.api.routing import PREFIX, Router

api = Router("documentation")

_FILES = files("rookery.faces.api")  # read once, before there is a loop to be blocked
PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    _FILES.joinpath("docs.html").read_text(encoding="utf-8")
)
STYLE = _FILES.joinpath("docs.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"


@api.get(f"{PREFIX}/openapi.json", None)
async def get_openapi_document(_rook: Any, /, request: Request) -> Response:
    """This document."""
    return Response(msgspec.json.encode(request.app.state.document), media_type="application/json")


@api.get("/docs", None)
async def get_documentation(_rook: Any, /, request: Request) -> HTMLResponse:
    """This document, for people."""
    page = PAGE.render(document=request.app.state.document, groups=_by_tag(request.app.state.document))
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


@api.get("/docs.css", None)
async def get_documentation_style(_rook: Any, /) -> Response:
    """How the page of the documentation looks."""
    return Response(STYLE, media_type="text/css")


def _by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = {"method": method.upper(), "path": path, **operation}
            found.setdefault(operation["tags"][0], []).append(shown)
    return found
