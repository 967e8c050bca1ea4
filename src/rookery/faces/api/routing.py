"""How a domain declares its routes.

    api = Router("devices")

    @api.get("/devices/{name}", "devices:read")
    async def get_device(rook: AsyncRook, name: str) -> DeviceInfo:
        \"\"\"One device, by its name or id.\"\"\"
        return await rook.devices.get(name)

Each route names the permission that it takes; there is none without. What is not declared is not served.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar, cast

from fastapi import APIRouter, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from rookery.faces.api.documents import (
    MOST,
    PREFIX,
    Changes,
    Page,
    Reason,
    Submitted,
    counted,
    page_of,
    place_of,
)
from rookery.faces.api.endpoint import Caller, Endpoint, Handler, IfMatch

__all__ = [
    "PREFIX",
    "After",
    "Caller",
    "Changes",
    "Count",
    "Filter",
    "IfMatch",
    "Limit",
    "Most",
    "Page",
    "Reason",
    "Revision",
    "Router",
    "Submitted",
    "counted",
    "page_of",
    "place_of",
    "submitted",
]  # fmt: skip

H = TypeVar("H", bound=Handler)

Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
Most = Annotated[int, Query(ge=1, le=10_000, description="At most so many; this list has no pages.")]
After = Annotated[str, Query(description="The page after this one: `next` of the page before.")]
Filter = Annotated[str, Query(alias="filter", description="What to look for, in the filter language.")]
Count = Annotated[
    Literal["exact"] | None, Query(description="exact: also how many there are in all, as `total`.")
]
Revision = Annotated[int | None, IfMatch]
"""The revision that the caller changes; None: any."""


def submitted(task_id: str) -> Submitted:
    """The answer of whoever has submitted a task."""
    return Submitted(str(task_id), getattr(task_id, "is_new", True))


class _Route(APIRoute):
    """A route whose parameters FastAPI declares and reads; the rest of a request is no concern of its."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Who calls is found out before anything they sent is looked at."""
        endpoint = cast("Endpoint", self.endpoint)

        async def handle(request: Request) -> Response:
            await endpoint.admit(request)
            return await endpoint(request, **_read(self.dependant, request))

        return handle


def _read(wanted: Dependant, request: Request) -> dict[str, Any]:
    """The parameters that were sent; the handler has defaults for others.

    Raises RequestValidationError, which names all that are wrong or missing.
    """
    values, faults = request_params_to_args(wanted.path_params, request.path_params)
    others = (wanted.query_params, request.query_params), (wanted.header_params, request.headers)
    for fields, sent in others:
        given = [field for field in fields if field.alias in sent or field.field_info.is_required()]
        more, wrong = request_params_to_args(given, sent)
        values |= more
        faults += wrong
    if faults:
        raise RequestValidationError(faults)
    return values


class Router:
    """The routes of one domain; those of pages are not in the document of the API."""

    def __init__(self, name: str, *, is_for_programs: bool = True) -> None:
        self.inner = APIRouter(tags=[name], include_in_schema=is_for_programs, route_class=_Route)
        self.endpoints: list[Endpoint] = []

    def get(self, path: str, permission: str | None) -> Callable[[H], H]:
        """A route that answers a document or a page, and changes nothing."""
        return self._adding("GET", path, permission, HTTPStatus.OK)

    def post(
        self, path: str, permission: str | None, status: HTTPStatus = HTTPStatus.CREATED
    ) -> Callable[[H], H]:
        """A route that makes something; ACCEPTED when it leaves that to a task."""
        return self._adding("POST", path, permission, status)

    def put(self, path: str, permission: str) -> Callable[[H], H]:
        """A route that replaces something."""
        return self._adding("PUT", path, permission, HTTPStatus.OK)

    def patch(self, path: str, permission: str) -> Callable[[H], H]:
        """A route that changes parts of something."""
        return self._adding("PATCH", path, permission, HTTPStatus.OK)

    def delete(self, path: str, permission: str) -> Callable[[H], H]:
        """A route that removes something, and answers nothing."""
        return self._adding("DELETE", path, permission, HTTPStatus.NO_CONTENT)

    def _adding(self, method: str, path: str, permission: str | None, status: HTTPStatus) -> Callable[[H], H]:
        def add(handler: H) -> H:
            summary, _, more = (handler.__doc__ or "").partition("\n")
            endpoint = Endpoint(handler, permission, status)
            self.endpoints.append(endpoint)
            self.inner.add_api_route(
                path, endpoint, methods=[method], status_code=status, response_model=None,
                operation_id=handler.__name__, summary=summary.rstrip("."),
                description=more.strip() or summary,
            )  # fmt: skip
            return handler

        return add
