"""What comes before any route: an id for each request, a bound on its size, headers that browsers obey.

Plain ASGI, so that streams pass through as they come.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rookery.base.ids import new_id
from rookery.faces.api.access import address_of
from rookery.faces.api.errors import TooLarge, TooManyRequests
from rookery.faces.api.problems import answer, problem_of

if TYPE_CHECKING:
    from rookery.domains.users.permissions import Principal

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
MOST_KNOWN = 10_000
"""Callers whose requests are counted; the one that has been quiet longest is forgotten."""


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, largest_body: int) -> None:
        self.app, self.largest_body = app, largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, marked and bounded."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        scope["request_id"] = _request_id(request)
        bounded = _Bounded(receive, self.largest_body)
        if int(request.headers.get("content-length") or 0) > self.largest_body:
            refusal = answer(request, problem_of(_too_large(self.largest_body)))
            await refusal(scope, receive, _marking(scope, send))
            return
        await self.app(scope, bounded, _marking(scope, send))


class _Bounded:
    """The body of a request, up to a size. Raises TooLarge where it goes on."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive, self._left, self._largest = receive, largest, largest

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._largest)
        return message


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The body is larger than {largest:,} bytes [api.largest_body].")


def _request_id(request: Request) -> str:
    """The caller's, where it is harmless; else one of our own."""
    theirs = request.headers.get("x-request-id", "")
    return theirs if REQUEST_ID.fullmatch(theirs) else new_id()


def _marking(scope: Scope, send: Send) -> Send:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = scope["request_id"]
            for name, value in scope.get("rate", {}).items():
                headers[name] = value
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return marked


class Limits:
    """How many requests each caller may still make: a bucket that is full at first and fills steadily."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: MutableMapping[str, tuple[float, float]] = OrderedDict()

    def count(self, request: Request, principal: Principal | None) -> None:
        """Take one from the caller's bucket. Raises TooManyRequests when it is empty."""
        if not self._per_minute:
            return
        caller = address_of(request) if principal is None else f"{principal.user_id} {principal.token_id}"
        now, most = time.monotonic(), float(self._per_minute)
        left, at = self._buckets.pop(caller, (most, now))
        left = min(most, left + (now - at) * most / 60)
        self._buckets[caller] = (max(left - 1, 0.0) if left >= 1 else left, now)
        self._forget()
        request.scope["rate"] = self._told(left - 1)
        if left < 1:
            raise TooManyRequests((1 - left) * 60 / most)

    def _told(self, left: float) -> dict[str, Any]:
        """The headers of draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"api";q={self._per_minute};w=60',
            "RateLimit": f'"api";r={max(int(left), 0)}',
        }

    def _forget(self) -> None:
        while len(self._buckets) > MOST_KNOWN:
            self._buckets.popitem(last=False)  # type: ignore[call-arg]  # an OrderedDict's
