"""Every error as application/problem+json (RFC 9457): what happened, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rookery.base.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    RookeryError,
    Stale,
    Unavailable,
)
from rookery.domains.users.errors import NotAuthenticated, TooManyAttempts
from rookery.faces.api.errors import PreconditionMissing, TooLarge, TooManyRequests
from rookery.faces.api.examples import WRITTEN

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
KINDS: Mapping[type[RookeryError], HTTPStatus] = {
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    PreconditionMissing: HTTPStatus.PRECONDITION_REQUIRED,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each kind of error; the first that fits."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one part of a request; `pointer` is a JSON pointer (RFC 6901) or a parameter."""

    pointer: str
    detail: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error; `code` names its kind for programs, `detail` says what to do."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"
    instance: str = ""
    request_id: str = ""
    errors: list[Fault] = []


def problem_of(error: RookeryError) -> ProblemDetails:
    """An error of ours."""
    status = next(
        (KINDS[kind] for kind in KINDS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR
    )
    faults = [Fault(each.pointer, each.detail) for each in getattr(error, "faults", ())]
    return ProblemDetails(
        title=status.phrase, status=status, detail=str(error), code=type(error).code, errors=faults
    )


def answer(request: Request, problem: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response to this request."""
    request_id = request.scope.get("request_id", "")
    told = msgspec.structs.replace(problem, instance=request.url.path, request_id=request_id)
    return Response(msgspec.json.encode(told), problem.status, headers, MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Have an application answer every error as a problem."""
    app.add_exception_handler(RookeryError, _ours)  # type: ignore[arg-type]  # each handles its own kind
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: RookeryError) -> Response:
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return answer(request, problem, _headers(error))


def _headers(error: RookeryError) -> dict[str, str]:
    if isinstance(error, TooManyAttempts | TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return {"WWW-Authenticate": 'Bearer realm="rookery"'} if isinstance(error, NotAuthenticated) else {}


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    faults = [Fault(str(each["loc"][-1]), str(each["msg"])) for each in error.errors()]
    said = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    problem = ProblemDetails(title=status.phrase, status=status, detail=said, code="invalid", errors=faults)
    return answer(request, problem)


async def _http(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "-")
    problem = ProblemDetails(
        title=status.phrase, status=status, detail=_SAID.get(status, status.phrase), code=code
    )
    return answer(request, problem, error.headers)


_SAID = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address; /api/v1/openapi.json lists what there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address takes other methods: see Allow.",
}


async def _unexpected(request: Request, error: Exception) -> Response:
    """Nothing of it is told but where the log says more."""
    request_id = request.scope.get("request_id", "")
    log.error("%s %s [%s] failed", request.method, request.url.path, request_id, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    said = f"Something went wrong here, and it is not your fault; the log knows more about {request_id}."
    return answer(request, ProblemDetails(title=status.phrase, status=status, detail=said, code="unexpected"))


def described() -> dict[str, Any]:
    """The schema of a problem, as OpenAPI has it."""
    return {
        "description": "Why not.",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                "example": WRITTEN["ProblemDetails"],
            }
        },
    }
