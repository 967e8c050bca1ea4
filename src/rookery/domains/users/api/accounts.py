"""The routes of accounts: who may come in, as what, and what is theirs."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from rookery.domains.users.document import Session, Token, User
from rookery.domains.users.rules import Role
from rookery.faces.api.routing import (
    After,
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


class Ended(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


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
