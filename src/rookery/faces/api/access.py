"""Who asks: from a token or a session's cookie to a principal.

Whoever has been verified is believed for a second, so that a program that asks often is not looked up each
time. What is changed of users, tokens and sessions through this API holds at once; what is changed by another
process, and that a token expires, a second later at most.

A browser sends cookies along with what other sites have it ask, so that what would change something is taken
with a cookie from our own pages alone: the checks of Go 1.25's net/http.CrossOriginProtection.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request

from rookery.faces.api.errors import ForgedRequest, NotIdentified

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.domains.users.permissions import Principal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BEARER, COOKIE = "bearer", "rookery_session"
BELIEVED_FOR = 1.0
"""Seconds."""
MOST_BELIEVED = 1_000


class Callers:
    """Who has shown which secret a moment ago; of secrets only their hashes are kept."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, Principal]] = {}

    async def who(self, secret: str, verify: Callable[[], Awaitable[Principal]]) -> Principal:
        """Whose secret this is. Raises what `verify` does."""
        key, moment, known = sha256(secret.encode()).digest(), time.monotonic(), self._known
        until, principal = known.get(key, (0.0, None))
        if principal is None or until < moment:
            principal = await verify()
            known[key] = moment + BELIEVED_FOR, principal
            if len(known) > MOST_BELIEVED:
                self.forget()
        return principal

    def forget(self) -> None:
        """Believe nobody: something may have changed, also for those who are being verified now."""
        self._known = {}


async def principal_of(request: Request, rook: AsyncRook) -> Principal:
    """Who asks. Raises NotIdentified, ForgedRequest, and what is wrong with a token or session."""
    callers: Callers = request.app.state.callers
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind:
        if kind.lower() != BEARER:
            raise NotIdentified
        verify = partial(rook.users.verify_token, token.strip(), address=address_of(request))
        return await callers.who(f"{BEARER} {token.strip()}", verify)
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        raise NotIdentified
    refuse_forged(request)
    return await callers.who(f"{COOKIE} {secret}", partial(rook.users.verify_session, secret))


def refuse_forged(request: Request) -> None:
    """Raise ForgedRequest for what another site's page has a browser send."""
    if request.method in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site in {"same-origin", "none"}:
        return
    origin = request.headers.get("origin")
    is_ours = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if site is not None or (origin is not None and not is_ours):
        raise ForgedRequest


def cookie_name(request: Request) -> str:
    """The session cookie's; over TLS one that no other host can set (RFC 6265bis, `__Host-`)."""
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""
