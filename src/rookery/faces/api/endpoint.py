"""One route at work: who calls, may they, what do they send; then the handler; then the answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

import msgspec
from fastapi import Query, Request
from starlette.responses import Response, StreamingResponse

from rookery.domains.users.errors import NotAuthenticated
from rookery.domains.users.permissions import require
from rookery.faces.api.access import SAFE, principal_of
from rookery.faces.api.documents import (
    PREFIX,
    Changes,
    Page,
    Submitted,
    chosen_fields,
    decoded,
    etag,
    revision_of,
)
from rookery.faces.api.errors import PreconditionMissing
from rookery.faces.api.feeds import Feeds
from rookery.faces.api.idempotency import once
from rookery.faces.api.waiting import seconds_of, waited

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.domains.users.permissions import Principal
    from rookery.faces.api.guarding import Limits

Handler = Callable[..., Coroutine[Any, Any, Any]]

FIELDS = inspect.Parameter(
    "fields", inspect.Parameter.KEYWORD_ONLY, default="",
    annotation=Annotated[str, Query(description="Only these fields of each item: name,address.")],
)  # fmt: skip


UNREAD = {"AsyncRook": None, "Principal": None}
"""Names in handlers' signatures that are imported for type checkers alone."""


class IfMatch:
    """Marks the parameter that gets the revision of If-Match, which whoever changes something has to send;
    who removes something may."""


class Caller:
    """Marks the parameter that gets the principal."""


class Endpoint:
    """A handler as FastAPI sees it: with parameters of the path and the query, nothing else.

    The handler's first parameter is the Rook, in the caller's name. One that is a Struct, or marked with
    Changes, is the body; others are the Request, the Feeds, marked with IfMatch or Caller, or of the URL.
    """

    def __init__(self, handler: Handler, permission: str | None, status: int) -> None:
        self.handler, self.permission, self.status = handler, permission, status
        self.__name__, self.__doc__ = handler.__name__, handler.__doc__
        hints = get_type_hints(handler, localns=UNREAD, include_extras=True)
        self.answers = hints.pop("return")
        self.body: tuple[str, Any] | None = None
        self.wants: dict[type, str] = {}
        self.__signature__ = self._signature(handler, hints)

    @property
    def is_list(self) -> bool:
        """Whether it answers a page."""
        return get_origin(self.answers) is Page

    def _signature(self, handler: Handler, hints: dict[str, Any]) -> inspect.Signature:
        keyword = inspect.Parameter.KEYWORD_ONLY
        _rook, *parameters = inspect.signature(handler).parameters.values()
        seen = [
            parameter.replace(annotation=hints[parameter.name], kind=keyword)
            for parameter in parameters
            if not self._takes(parameter.name, hints[parameter.name])
        ]
        return inspect.Signature([*seen, *([FIELDS] if self.is_list else [])])

    def _takes(self, name: str, hint: Any) -> bool:
        """Whether a parameter is for us to fill in, not for FastAPI."""
        mark = get_args(hint)[-1] if get_origin(hint) is Annotated else hint
        if isinstance(mark, Changes) or (isinstance(mark, type) and issubclass(mark, msgspec.Struct)):
            self.body = name, mark
        elif mark in (IfMatch, Caller, Feeds, Request):
            self.wants[mark] = name
        else:
            return False
        return True

    async def __call__(self, request: Request, /, fields: str = "", **given: Any) -> Response:
        """Answer a request. Raises what the handler raises, and what is wrong with the request."""
        try:
            return await self._called(request, fields, given)
        finally:
            if request.method not in SAFE:
                request.app.state.callers.forget()

    async def _called(self, request: Request, fields: str, given: dict[str, Any]) -> Response:
        house: AsyncRook = request.app.state.rook
        principal: Principal | None = request.scope["principal"]
        if principal is None:
            return await self._handled(house, request, fields, given)
        if Feeds in self.wants:
            return await self._streaming(house, request, principal, given)
        if Caller in self.wants:
            given[self.wants[Caller]] = principal
        act = partial(
            self._handled,
            house.acting_as(principal.username, request.scope["request_id"]),
            request,
            fields,
            given,
        )
        return await (once(house, request, principal, act) if request.method == "POST" else act())

    async def _streaming(
        self, house: AsyncRook, request: Request, principal: Principal, given: dict[str, Any]
    ) -> Response:
        feeds: Feeds = request.app.state.feeds
        feeds.refuse_too_many(principal.user_id)
        answer = await self._handled(house, request, "", given)
        if isinstance(answer, StreamingResponse):
            answer.body_iterator = feeds.counted(principal.user_id, answer.body_iterator)
        return answer

    async def admit(self, request: Request) -> None:
        """Find out who calls, before anything they sent is looked at; nobody, where everybody may.

        Raises NotAuthenticated, NotPermitted, TooManyRequests.
        """
        limits: Limits = request.app.state.limits
        request.scope["principal"] = None
        if self.permission is None:
            limits.count(request, None)
            return
        try:
            principal = await principal_of(request, request.app.state.rook)
        except NotAuthenticated:
            limits.count(request, None)  # who guesses is counted by address
            raise
        limits.count(request, principal)
        require(principal, self.permission)
        request.scope["principal"] = principal

    async def _handled(
        self, rook: AsyncRook, request: Request, fields: str, given: dict[str, Any]
    ) -> Response:
        given |= await self._sent(request)
        result = await self.handler(rook, **given)
        if isinstance(result, Response):
            return result
        if isinstance(result, Submitted) and (seconds := seconds_of(request)):
            result = await waited(rook, request.app.state.feeds, result, seconds)
        if fields and isinstance(result, Page):
            result = chosen_fields(result, fields)
        return self._answer(request, result)

    async def _sent(self, request: Request) -> dict[str, Any]:
        """What the handler wants of a request. Raises PreconditionMissing, BodyNotValid."""
        known: dict[type, Any] = {Request: request, Feeds: request.app.state.feeds}
        sent = {name: known[mark] for mark, name in self.wants.items() if mark in known}
        if IfMatch in self.wants:
            sent[self.wants[IfMatch]] = _revision(request)
        if self.body:
            name, kind = self.body
            body = await request.body()
            sent[name] = kind.given(body) if isinstance(kind, Changes) else decoded(body, kind)
        return sent

    def _answer(self, request: Request, result: Any) -> Response:
        if self.status == HTTPStatus.NO_CONTENT:
            return Response(status_code=self.status)
        headers = {}
        if (tag := etag(result)) is not None:
            headers["ETag"] = tag
            if request.method == "GET" and request.headers.get("if-none-match") == tag:
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if isinstance(result, Page) and result.next:
            kept = [part for part in request.query_params.multi_items() if part[0] != "after"]
            query = urlencode([*kept, ("after", result.next)])
            headers["Link"] = f'<{_path(request)}?{query}>; rel="next"'
        if isinstance(result, Submitted):
            headers["Location"] = f"{PREFIX}/tasks/{result.task_id}"
            if result.status is not msgspec.UNSET:
                headers["Preference-Applied"] = "wait"
        if self.status == HTTPStatus.CREATED and (id_ := getattr(result, "id", None)):
            headers["Location"] = f"{_path(request)}/{id_}"
        return Response(msgspec.json.encode(result), self.status, headers, "application/json")


def _revision(request: Request) -> int | None:
    """The revision that is changed. Raises PreconditionMissing, BodyNotValid."""
    tag = request.headers.get("if-match")
    if tag is None and request.method != "DELETE":
        raise PreconditionMissing
    return None if tag is None else revision_of(tag)


def _path(request: Request) -> str:
    """As it was sent, so that no header gets what was encoded in it."""
    return str(request.scope["raw_path"].decode("latin-1"))
