"""API tokens: ways in for programs, that may do some of what their owner may do now, until they expire."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from hmac import compare_digest
from typing import NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now_us
from rookery.domains.users import store
from rookery.domains.users.bearer import PREFIX, hashed, mint, parsed
from rookery.domains.users.document import NewToken, Token, decode_scopes, token_of
from rookery.domains.users.errors import TokenNotFound, TokenNotValid, TokenRefused
from rookery.domains.users.events import TokenCreated, TokenRevoked
from rookery.domains.users.models import ApiToken
from rookery.domains.users.permissions import Principal, valid_scopes
from rookery.domains.users.rules import (
    LONGEST_TEXT,
    LONGEST_TOKEN_LIFE,
    TOKEN_LIFE,
    TOUCHED_AFTER,
    Role,
    one_line,
)
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import DatabaseUnavailable, sql

_MICROSECOND = timedelta(microseconds=1)
_TOUCH = "UPDATE api_token SET last_used_us = :now, last_address = :address WHERE id = :id"


@dual
def tokens(rook: Rook, /, user_id: str | None = None) -> list[Token]:
    """The tokens of one user or of all, the newest first, expired ones included. Raises UserNotFound."""
    wanted = select(ApiToken).order_by(ApiToken.created_us.desc(), ApiToken.id)
    with rook.reading() as session:
        if user_id is not None:
            wanted = wanted.where(ApiToken.user_id == store.row_of(session, user_id).id)
        return [token_of(row) for row in session.scalars(wanted)]


@dual
def create_token(
    rook: Rook, /, user_id: str, name: str, scopes: Iterable[str], expires_in: timedelta = TOKEN_LIFE
) -> NewToken:
    """A new token of a user; its text is returned here and never again.

    Scopes are permissions, or `domain:*`. Raises UserNotFound, TokenNotValid.
    """
    if not 1 <= len(name) <= LONGEST_TEXT or not name.isprintable():
        raise TokenNotValid(f"The name of a token is one line of at most {LONGEST_TEXT} characters.")
    if not timedelta(minutes=1) <= expires_in <= LONGEST_TOKEN_LIFE:
        raise TokenNotValid(f"A token lasts from a minute to {LONGEST_TOKEN_LIFE.days} days.")
    granted, bearer, moment = valid_scopes(scopes), mint(), now_us()
    row = ApiToken(
        id=bearer.id, user_id=user_id, name=name, secret_hash=hashed(bearer.secret),
        scopes=msgspec.json.encode(granted).decode(), created_us=moment,
        expires_us=moment + expires_in // _MICROSECOND, last_used_us=None, last_address="",
    )  # fmt: skip
    with rook.transaction() as session:
        user = store.row_of(session, user_id, for_update=True)
        session.add(row)
        expires = from_us(row.expires_us).isoformat(timespec="seconds")
        rook.emit(TokenCreated(name, PREFIX + row.id, user.username, user.id, granted, expires))
    return NewToken(token_of(row), bearer.text)


@dual
def revoke_token(rook: Rook, /, token_id: str) -> None:
    """Let nobody in by a token any more. Raises TokenNotFound."""
    with rook.transaction() as session:
        row = session.get(ApiToken, token_id.removeprefix(PREFIX), with_for_update=True)
        if row is None:
            raise TokenNotFound
        session.delete(row)
        rook.emit(TokenRevoked(row.name, PREFIX + row.id, row.user_id))


@dual
def verify_token(rook: Rook, /, text: str, address: str | None = None) -> Principal:
    """Who holds this token. That it was used is noted once a minute. Raises TokenRefused.

    What cannot be a token, by its shape or checksum, is refused without asking the database.
    """
    bearer = parsed(text)
    if bearer is None:
        raise TokenRefused
    moment = now_us()
    held = _held(rook, bearer.id)
    if held is None or not compare_digest(held.secret_hash, hashed(bearer.secret)):
        raise TokenRefused
    if held.expires_us <= moment or not held.is_enabled:
        raise TokenRefused
    if held.last_used_us is None or held.last_used_us < moment - TOUCHED_AFTER // _MICROSECOND:
        _touch(rook, bearer.id, moment, one_line(address or ""))
    return Principal(
        user_id=held.user_id, username=held.username, role=Role(held.role), token_id=bearer.id,
        scopes=frozenset(decode_scopes(held.scopes)),
    )  # fmt: skip


class _Held(NamedTuple):
    """What of a token and its owner every request asks for."""

    secret_hash: bytes
    expires_us: int
    last_used_us: int | None
    scopes: str
    user_id: str
    username: str
    role: str
    is_enabled: bool


@dual_read
def _held(session: Session, /, token_id: str) -> _Held | None:
    row = sql.run(session.connection(), _HELD, {"id": token_id}).one_or_none()
    return None if row is None else _Held(*row)


_HELD = """
    SELECT t.secret_hash, t.expires_us, t.last_used_us, t.scopes, u.id, u.username, u.role, u.is_enabled
    FROM api_token t JOIN user_account u ON u.id = t.user_id WHERE t.id = :id"""


def _touch(rook: Rook, token_id: str, moment: int, address: str) -> None:
    """A database that takes no writes now is no reason to turn anybody away."""
    with suppress(DatabaseUnavailable), rook.transaction() as session:
        sql.run(session.connection(), _TOUCH, {"id": token_id, "now": moment, "address": address})
