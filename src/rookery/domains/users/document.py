"""Users, sessions and tokens as programs see them; secrets are shown once, to their owner."""

from __future__ import annotations

from datetime import datetime

import msgspec

from rookery.base.clock import from_us
from rookery.domains.users.bearer import PREFIX
from rookery.domains.users.models import ApiToken, UserAccount, UserSession
from rookery.domains.users.rules import Role

decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody; `revision` counts their changes. Times are aware, in UTC."""

    id: str
    username: str
    email: str | None
    role: Role
    is_enabled: bool = msgspec.field(name="enabled")
    has_password: bool
    has_totp: bool
    revision: int
    created: datetime
    created_by: str
    updated: datetime
    password_changed: datetime | None
    last_login: datetime | None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that has logged in; `expires` is the latest moment at which it ends."""

    id: str
    user_id: str
    address: str
    user_agent: str
    created: datetime
    seen: datetime
    expires: datetime


class NewSession(msgspec.Struct, frozen=True):
    """A session, and what its cookie holds, which is not kept here."""

    session: Session
    secret: str

    def __repr__(self) -> str:
        return f"NewSession({self.session!r}, ***)"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An API token; `prefix` is how it begins, and all of it that can be shown again."""

    id: str
    prefix: str
    user_id: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    last_used: datetime | None
    last_address: str


class NewToken(msgspec.Struct, frozen=True):
    """A token, and its text, which is not kept here."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"NewToken({self.token!r}, ***)"


def user_of(row: UserAccount) -> User:
    """A row, read."""
    return User(
        id=row.id, username=row.username, email=row.email, role=Role(row.role), is_enabled=row.is_enabled,
        has_password=row.password_hash is not None, has_totp=row.totp_secret is not None,
        revision=row.revision, created=from_us(row.created_us), created_by=row.created_by,
        updated=from_us(row.updated_us), password_changed=_moment(row.password_changed_us),
        last_login=_moment(row.last_login_us),
    )  # fmt: skip


def session_of(row: UserSession) -> Session:
    """A row, read."""
    return Session(
        id=row.id, user_id=row.user_id, address=row.address, user_agent=row.user_agent,
        created=from_us(row.created_us), seen=from_us(row.seen_us), expires=from_us(row.expires_us),
    )  # fmt: skip


def token_of(row: ApiToken) -> Token:
    """A row, read."""
    return Token(
        id=row.id, prefix=PREFIX + row.id, user_id=row.user_id, name=row.name,
        scopes=decode_scopes(row.scopes), created=from_us(row.created_us), expires=from_us(row.expires_us),
        last_used=_moment(row.last_used_us), last_address=row.last_address,
    )  # fmt: skip


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_us(microseconds)
