"""Who asks: from a token or a session's cookie to a principal.

A browser sends cookies along with what other sites have it ask, so that what would change something is taken
with a cookie from our own pages alone: the checks of Go 1.25's net/http.CrossOriginProtection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request

from rookery.faces.api.errors import ForgedRequest, NotIdentified

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.domains.users.permissions import Principal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE = "rookery_session"


async def principal_of(request: Request, rook: AsyncRook) -> Principal:
    """Who asks. Raises NotIdentified, ForgedRequest, and what is wrong with a token or session."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind:
        if kind.lower() != "bearer":
            raise NotIdentified
        return await rook.users.verify_token(token.strip(), address=address_of(request))
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        raise NotIdentified
    refuse_forged(request)
    return await rook.users.verify_session(secret)


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
