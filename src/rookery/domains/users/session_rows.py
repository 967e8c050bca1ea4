"""Sessions, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from rookery.domains.users.bearer import hashed
from rookery.domains.users.models import UserAccount, UserSession
from rookery.domains.users.rules import SESSION_IDLE

_IDLE = SESSION_IDLE // timedelta(microseconds=1)


def of_user(session: Session, user_id: str, now_us: int) -> Sequence[UserSession]:
    """Those of a user that last, the latest first."""
    lasting = (UserSession.expires_us > now_us, UserSession.seen_us > now_us - _IDLE)
    mine = select(UserSession).where(UserSession.user_id == user_id, *lasting)
    return session.scalars(mine.order_by(UserSession.id.desc())).all()


def found(session: Session, secret: str, now_us: int) -> tuple[UserSession, UserAccount] | None:
    """The session with this secret and its user, if it lasts and they are enabled."""
    mine = UserSession.secret_hash == hashed(secret)
    lasting = (UserSession.expires_us > now_us, UserSession.seen_us > now_us - _IDLE)
    joined = select(UserSession, UserAccount).join(UserAccount, UserAccount.id == UserSession.user_id)
    row = session.execute(joined.where(mine, *lasting, UserAccount.is_enabled)).one_or_none()
    return None if row is None else (row[0], row[1])


def give_secret(session: Session, old: str, new: str, now_us: int) -> UserSession | None:
    """Replace a secret, unless another has done it meanwhile; the session."""
    mine = update(UserSession).where(UserSession.secret_hash == hashed(old))
    given = mine.values(secret_hash=hashed(new), seen_us=now_us)
    return session.scalars(given.returning(UserSession)).one_or_none()


def end(session: Session, user_id: str, keep: str | None = None) -> int:
    """Delete the sessions of a user, but for one; how many they were."""
    mine = delete(UserSession).where(UserSession.user_id == user_id, UserSession.id != (keep or ""))
    return len(session.scalars(mine.returning(UserSession.id)).all())


def clear(session: Session, user_id: str, now_us: int) -> None:
    """Delete those of a user that have ended by themselves."""
    has_ended = or_(UserSession.expires_us <= now_us, UserSession.seen_us <= now_us - _IDLE)
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, has_ended))
