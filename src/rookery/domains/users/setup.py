"""The first admin: made once, by whoever holds the link. There is no default password."""

from __future__ import annotations

from datetime import timedelta
from hmac import compare_digest

from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now_us
from rookery.domains.users import passwords, store
from rookery.domains.users.bearer import hashed, new_secret
from rookery.domains.users.document import User, user_of
from rookery.domains.users.errors import SetupLinkRefused, SetupOver
from rookery.domains.users.events import SetupCompleted, SetupLinkIssued, UserCreated
from rookery.domains.users.models import SetupToken, UserAccount
from rookery.domains.users.rules import SETUP_LIFE, Role, check_password, check_user
from rookery.domains.users.service import new_row
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

PATH = "/setup?token="
_LIFE = SETUP_LIFE // timedelta(microseconds=1)


@dual
def setup_link(rook: Rook, /) -> str | None:
    """A new link to the page of first-run setup, as a path with its token; None once there is a user.

    It lasts half an hour; those before it are worth nothing.
    """
    secret, moment = new_secret(), now_us()
    with rook.transaction() as session:
        store.lock_admins(session)
        if not store.is_empty(session):
            return None
        session.merge(SetupToken(id=1, secret_hash=hashed(secret), expires_us=moment + _LIFE))
        rook.emit(SetupLinkIssued(from_us(moment + _LIFE).isoformat(timespec="seconds")))
    return PATH + secret


@dual
def first_admin(rook: Rook, /, username: str, password: str) -> User | None:
    """Make the first admin as whoever starts Rookery has configured; None once there is a user.

    Raises UserNotValid, PasswordTooWeak.
    """
    with rook.reading() as session:
        if not store.is_empty(session):
            return None
    row = _admin(rook, username, password)
    with rook.transaction() as session:
        store.lock_admins(session)
        if not store.is_empty(session):
            return None
        _store(rook, session, row)
    return user_of(row)


@dual
def set_up(rook: Rook, /, token: str, username: str, password: str) -> User:
    """Make the first admin, and the token worthless: of several callers one wins.

    Raises SetupLinkRefused, SetupOver once there is a user, UserNotValid, PasswordTooWeak.
    """
    with rook.reading() as session:
        _check(session, token)
    row = _admin(rook, username, password)
    with rook.transaction() as session:
        store.lock_admins(session)
        session.delete(_check(session, token))
        _store(rook, session, row)
    return user_of(row)


def _admin(rook: Rook, username: str, password: str) -> UserAccount:
    check_user(username, None)
    check_password(password, username, None)
    return new_row(rook, username, None, Role.ADMIN, passwords.hashed(rook, password))


def _store(rook: Rook, session: Session, row: UserAccount) -> None:
    store.store(session, row)
    rook.emit(UserCreated(row.username, row.id, row.role), SetupCompleted(row.username, row.id))


def _check(session: Session, token: str) -> SetupToken:
    """The row of the link. Raises SetupOver, SetupLinkRefused."""
    if not store.is_empty(session):
        raise SetupOver
    row = session.get(SetupToken, 1)
    if row is None or row.expires_us <= now_us() or not compare_digest(row.secret_hash, hashed(token)):
        raise SetupLinkRefused
    return row
