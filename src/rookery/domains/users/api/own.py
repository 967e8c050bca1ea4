"""The routes of what everybody has: a session, a password, a second factor, tokens."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import Request
from starlette.responses import Response

from rookery.domains.users.document import NewToken, Session, Token, User
from rookery.domains.users.errors import SessionNotFound, TokenNotFound
from rookery.domains.users.permissions import Principal
from rookery.domains.users.rules import SESSION_LIFE
from rookery.domains.users.totp import TotpSecret
from rookery.faces.api.access import address_of, cookie_name, refuse_forged
from rookery.faces.api.routing import Caller, Page, Router

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("users")

Me = Annotated[Principal, Caller]


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who somebody says to be; `totp` is the code of the app, or a recovery code."""

    username: str
    password: str
    totp: str | None = None


class FirstAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first account, an admin's; `token` is that of the link which `rookery up` has printed."""

    token: str
    username: str
    password: str


class OwnPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One's own new password, and the one until now."""

    current: str
    password: str
    totp: str | None = None


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token: what it is for, what it may do, and for how many days."""

    name: str
    scopes: tuple[str, ...]
    days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 90


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the app shows."""

    code: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Codes to come in without the app, each once."""

    codes: tuple[str, ...]


@api.post("/session", None)
async def log_in(rook: AsyncRook, /, login: Login, request: Request) -> Response:
    """Log in: the session comes as a cookie."""
    refuse_forged(request)
    user = await rook.users.authenticate(
        login.username, login.password, totp=login.totp, address=address_of(request)
    )
    agent = request.headers.get("user-agent", "")[:200]
    opened = await rook.users.open_session(user.id, address_of(request), agent)
    return _with_cookie(request, user, opened.secret)


@api.post("/setup", None)
async def set_up(rook: AsyncRook, /, account: FirstAccount, request: Request) -> Response:
    """Make the first account, with the link that `rookery up` has printed."""
    refuse_forged(request)
    user = await rook.users.set_up(account.token, account.username, account.password)
    opened = await rook.users.open_session(user.id, address_of(request), "")
    return _with_cookie(request, user, opened.secret)


@api.get("/session", "self:read")
async def who_am_i(_rook: AsyncRook, /, me: Me) -> Principal:
    """Who asks, and what they may."""
    return me


@api.delete("/session", "self:write")
async def log_out(rook: AsyncRook, /, me: Me) -> None:
    """End this session."""
    if me.session_id is not None:
        await rook.users.end_session(me.session_id)


@api.get("/sessions", "self:write")
async def list_sessions(rook: AsyncRook, /, me: Me) -> Page[Session]:
    """List one's own sessions."""
    return Page(await rook.users.sessions(me.user_id))


@api.delete("/sessions/{session_id}", "self:write")
async def end_session(rook: AsyncRook, /, session_id: str, me: Me) -> None:
    """End one of one's own sessions."""
    if session_id not in {each.id for each in await rook.users.sessions(me.user_id)}:
        raise SessionNotFound
    await rook.users.end_session(session_id)


@api.put("/password", "self:write")
async def change_password(rook: AsyncRook, /, sent: OwnPassword, me: Me, request: Request) -> User:
    """Change one's own password; all other sessions end."""
    await rook.users.authenticate(me.username, sent.current, totp=sent.totp, address=address_of(request))
    await rook.users.set_password(me.user_id, sent.password, keep_session=me.session_id)
    return await rook.users.get(me.user_id)


@api.post("/totp", "self:write", HTTPStatus.OK)
async def begin_totp(rook: AsyncRook, /, me: Me) -> TotpSecret:
    """Begin to use a second factor: what an app is to be told. It counts from its first code on."""
    return await rook.users.totp_begin(me.user_id)


@api.put("/totp", "self:write")
async def confirm_totp(rook: AsyncRook, /, sent: Code, me: Me) -> RecoveryCodes:
    """Use it from now on: the app's first code; codes for the day it is lost are answered, once."""
    return RecoveryCodes(await rook.users.totp_confirm(me.user_id, sent.code))


@api.delete("/totp", "self:write")
async def disable_totp(rook: AsyncRook, /, me: Me) -> None:
    """Use it no more."""
    await rook.users.totp_disable(me.user_id)


@api.get("/tokens", "self:write")
async def list_tokens(rook: AsyncRook, /, me: Me) -> Page[Token]:
    """List one's own tokens."""
    return Page(await rook.users.tokens(me.user_id))


@api.post("/tokens", "self:write", HTTPStatus.OK)
async def create_token(rook: AsyncRook, /, wanted: TokenRequest, me: Me) -> NewToken:
    """Make a token, whose text is told this once."""
    lasts = timedelta(days=wanted.days)
    return await rook.users.create_token(me.user_id, wanted.name, wanted.scopes, lasts)


@api.delete("/tokens/{token_id}", "self:write")
async def revoke_token(rook: AsyncRook, /, token_id: str, me: Me) -> None:
    """End one of one's own tokens; with tokens:write, anybody's."""
    if not me.permits("tokens:write") and token_id not in {
        each.id for each in await rook.users.tokens(me.user_id)
    }:
        raise TokenNotFound
    await rook.users.revoke_token(token_id)


def _with_cookie(request: Request, user: User, secret: str) -> Response:
    response = Response(msgspec.json.encode(user), HTTPStatus.CREATED, media_type="application/json")
    response.set_cookie(
        cookie_name(request), secret, max_age=int(SESSION_LIFE.total_seconds()), httponly=True,
        secure=request.url.scheme == "https", samesite="lax",
    )  # fmt: skip
    return response
