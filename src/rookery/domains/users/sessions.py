"""Sessions: browsers that have logged in. Whoever holds the secret of one is its user, until it ends.

It ends by itself when nobody has used it for twelve hours, and after seven days; with another password or
role; and when somebody ends it. The user's role is asked anew each time.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.users import session_rows, store
from rookery.domains.users.bearer import hashed, new_secret
from rookery.domains.users.document import NewSession, Session, session_of
from rookery.domains.users.errors import SessionNotFound, SessionOver
from rookery.domains.users.events import SessionOpened, SessionRotated, SessionsEnded
from rookery.domains.users.models import UserSession
from rookery.domains.users.permissions import Principal
from rookery.domains.users.rules import SESSION_LIFE, TOUCHED_AFTER, Role, one_line
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store import DatabaseUnavailable, sql

_LIFE = SESSION_LIFE // timedelta(microseconds=1)
_TOUCHED_AFTER = TOUCHED_AFTER // timedelta(microseconds=1)
_TOUCH = "UPDATE user_session SET seen_us = :now WHERE id = :id AND seen_us < :now"


@dual
def sessions(rook: Rook, /, user_id: str) -> list[Session]:
    """The sessions of a user, the latest first. Raises UserNotFound."""
    with rook.reading() as session:
        store.row_of(session, user_id)
        return [session_of(row) for row in session_rows.of_user(session, user_id, now_us())]


@dual
def open_session(rook: Rook, /, user_id: str, address: str = "", user_agent: str = "") -> NewSession:
    """A session for a user who has just been authenticated. Raises UserNotFound, SessionOver if disabled."""
    secret, moment = new_secret(), now_us()
    row = UserSession(
        id=new_id(), user_id=user_id, secret_hash=hashed(secret), address=one_line(address),
        user_agent=one_line(user_agent), created_us=moment, seen_us=moment, expires_us=moment + _LIFE,
    )  # fmt: skip
    with rook.transaction() as session:
        user = store.row_of(session, user_id, for_update=True)
        if not user.is_enabled:
            raise SessionOver
        session_rows.clear(session, user_id, moment)
        session.add(row)
        rook.emit(SessionOpened(user.username, user.id, row.id, row.address))
    return NewSession(session_of(row), secret)


@dual
def verify_session(rook: Rook, /, secret: str) -> Principal:
    """Whose session this is. That it was used is noted once a minute. Raises SessionOver."""
    moment = now_us()
    with rook.reading() as session:
        found = session_rows.found(session, secret, moment)
    if found is None:
        raise SessionOver
    row, user = found
    if row.seen_us < moment - _TOUCHED_AFTER:
        _touch(rook, row.id, moment)
    return Principal(user_id=user.id, username=user.username, role=Role(user.role), session_id=row.id)


def _touch(rook: Rook, session_id: str, moment: int) -> None:
    """A database that takes no writes now is no reason to turn anybody away."""
    with suppress(DatabaseUnavailable), rook.transaction() as session:
        sql.run(session.connection(), _TOUCH, {"id": session_id, "now": moment})


@dual
def rotate_session(rook: Rook, /, secret: str) -> NewSession:
    """The same session under another secret, no longer than it would have lasted. Raises SessionOver.

    The one before is worth nothing from then on, to whoever else may have it.
    """
    new, moment = new_secret(), now_us()
    with rook.transaction() as session:
        found = session_rows.found(session, secret, moment)
        row = session_rows.give_secret(session, secret, new, moment) if found else None
        if found is None or row is None:
            raise SessionOver
        rook.emit(SessionRotated(found[1].username, row.user_id, row.id))
    return NewSession(session_of(row), new)


@dual
def end_session(rook: Rook, /, session_id: str) -> None:
    """End one session. Raises SessionNotFound."""
    with rook.transaction() as session:
        row = session.get(UserSession, session_id, with_for_update=True)
        if row is None:
            raise SessionNotFound
        user = store.row_of(session, row.user_id)
        session.delete(row)
        rook.emit(SessionsEnded(user.username, user.id, 1))


@dual
def end_sessions(rook: Rook, /, user_id: str, *, keep: str | None = None) -> int:
    """End all sessions of a user but the one with the id `keep`; how many they were. Raises UserNotFound."""
    with rook.transaction() as session:
        user = store.row_of(session, user_id, for_update=True)
        count = session_rows.end(session, user_id, keep)
        if count:
            rook.emit(SessionsEnded(user.username, user.id, count))
    return count
