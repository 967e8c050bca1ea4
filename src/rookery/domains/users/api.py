"""The routes of users, and of what everybody has: a session, tokens, a second factor."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Request
from starlette.responses import Response

from rookery.domains.users.document import NewToken, Session, Token, User
from rookery.domains.users.errors import SessionNotFound, TokenNotFound
from rookery.domains.users.permissions import Principal
from rookery.domains.users.rules import SESSION_LIFE, Role
from rookery.domains.users.totp import TotpSecret
from rookery.faces.api.access import address_of, cookie_name, refuse_forged
from rookery.faces.api.routing import (
    After,
    Caller,
    Changes,
    Count,
    Filter,
    Limit,
    Page,
    Revision,
    Router,
    counted,
    page_of,
    place_of,
)

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


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is to come in; without a password, by tokens alone."""

    username: str
    email: str | None = None
    role: Role = Role.VIEWER
    password: str | None = None


class UserParts(msgspec.Struct, frozen=True, kw_only=True):
    """What may be changed of a user."""

    username: str
    email: str | None
    role: Role
    enabled: bool


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password."""

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


class Ended(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


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


@api.get("/users", "users:read")
async def list_users(
    rook: AsyncRook, /, filter_: Filter = "", limit: Limit = 50, after: After = "", count: Count = None
) -> Page[User]:
    """List users by name."""
    place = place_of(after, str) if after else ""
    found = await rook.users.list(filter_, limit=limit + 1, after=place)
    page = page_of(found, limit, lambda user: user.username)
    return await counted(page, count, partial(rook.users.count, filter_))


@api.post("/users", "users:write")
async def create_user(rook: AsyncRook, /, user: NewUser) -> User:
    """Let somebody in."""
    return await rook.users.create(user.username, user.email, user.role, password=user.password)


@api.get("/users/by-username/{name}", "users:read")
async def get_user_by_name(rook: AsyncRook, /, name: str) -> User:
    """One user, by name."""
    return await rook.users.by_username(name)


@api.get("/users/by-email/{email}", "users:read")
async def get_user_by_email(rook: AsyncRook, /, email: str) -> User:
    """One user, by e-mail address."""
    return await rook.users.by_email(email)


@api.get("/users/{user_id}", "users:read")
async def get_user(rook: AsyncRook, /, user_id: str) -> User:
    """One user, by id."""
    return await rook.users.get(user_id)


@api.patch("/users/{user_id}", "users:write")
async def update_user(
    rook: AsyncRook, /, user_id: str, changes: Annotated[dict[str, Any], Changes(UserParts)],
    revision: Revision,
) -> User:  # fmt: skip
    """Change parts of a user. Whose role changes, or who is disabled, has to log in again."""
    return await rook.users.update(user_id, revision=revision, **changes)


@api.put("/users/{user_id}/password", "users:write")
async def set_password(rook: AsyncRook, /, user_id: str, sent: NewPassword) -> User:
    """Give somebody another password; all their sessions end."""
    await rook.users.set_password(user_id, sent.password)
    return await rook.users.get(user_id)


@api.delete("/users/{user_id}", "users:write")
async def delete_user(rook: AsyncRook, /, user_id: str) -> None:
    """Let somebody in no more."""
    await rook.users.delete(user_id)


@api.get("/users/{user_id}/sessions", "users:write")
async def list_sessions_of(rook: AsyncRook, /, user_id: str) -> Page[Session]:
    """List somebody's sessions."""
    return Page(await rook.users.sessions(user_id))


@api.post("/users/{user_id}/sessions/end", "users:write", HTTPStatus.OK)
async def end_sessions_of(rook: AsyncRook, /, user_id: str) -> Ended:
    """End somebody's sessions: they have to log in again."""
    return Ended(await rook.users.end_sessions(user_id))


@api.delete("/users/{user_id}/totp", "users:write")
async def disable_totp_of(rook: AsyncRook, /, user_id: str) -> None:
    """Ask somebody for no second factor any more: the phone is lost, and so are the codes."""
    await rook.users.totp_disable(user_id)


@api.get("/users/{user_id}/tokens", "tokens:read")
async def list_tokens_of(rook: AsyncRook, /, user_id: str) -> Page[Token]:
    """List somebody's tokens."""
    return Page(await rook.users.tokens(user_id))


def _with_cookie(request: Request, user: User, secret: str) -> Response:
    response = Response(msgspec.json.encode(user), HTTPStatus.CREATED, media_type="application/json")
    response.set_cookie(
        cookie_name(request), secret, max_age=int(SESSION_LIFE.total_seconds()), httponly=True,
        secure=request.url.scheme == "https", samesite="lax",
    )  # fmt: skip
    return response
