"""Users, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rookery.domains.users.document import User, user_of
from rookery.domains.users.errors import LastAdmin, UserExists, UserNotFound
from rookery.domains.users.filters import MEANING
from rookery.domains.users.models import UserAccount
from rookery.domains.users.rules import Role, is_email, is_name
from rookery.mechanisms.dual import dual_read
from rookery.mechanisms.store import sql

ADMINS: Final = 0x75736572  # "user"
"""The lock of whoever may leave Rookery without an admin, or give it its first one: one at a time."""


@dual_read
def get(session: Session, /, user_id: str) -> User:
    """The user with this id. Raises UserNotFound."""
    return user_of(row_of(session, user_id))


@dual_read
def by_username(session: Session, /, name: str) -> User:
    """The user of this name, in whichever case. Raises UserNotFound."""
    row = called(session, name)
    if row is None:
        raise UserNotFound(f"There is no user {name[:80]}: `rookery users list` shows those there are.")
    return user_of(row)


@dual_read
def by_email(session: Session, /, email: str) -> User:
    """The user with this e-mail address, in whichever case. Raises UserNotFound."""
    mine = select(UserAccount).where(UserAccount.email_called == email.lower())
    row = session.scalar(mine) if is_email(email) else None
    if row is None:
        raise UserNotFound(f"No user has the address {email[:80]}.")
    return user_of(row)


@dual_read
def list_(session: Session, /, filter_: str = "", *, limit: int | None = None, after: str = "") -> list[User]:
    """Users by name; `filter_` is the filter language, `after` the name that the page before ended with.

    Raises FilterNotValid.
    """
    chosen = select(UserAccount).where(*MEANING.conditions(filter_), UserAccount.called > after.lower())
    return [user_of(row) for row in session.scalars(chosen.order_by(UserAccount.called).limit(limit))]


@dual_read
def count(session: Session, /, filter_: str = "") -> int:
    """How many users a filter chooses. Raises FilterNotValid."""
    chosen = select(func.count()).select_from(UserAccount).where(*MEANING.conditions(filter_))
    return session.scalar(chosen) or 0


def row_of(session: Session, user_id: str, *, for_update: bool = False) -> UserAccount:
    """The row of a user. Raises UserNotFound."""
    row = session.get(UserAccount, user_id, with_for_update=for_update)
    if row is None:
        raise UserNotFound(f"There is no user {user_id[:80]}: `rookery users list` shows those there are.")
    return row


def called(session: Session, name: str) -> UserAccount | None:
    """The row of the user of this name, if there is one."""
    mine = select(UserAccount).where(UserAccount.called == name.lower())
    return session.scalar(mine) if is_name(name) else None


def locked(session: Session, user_id: str | None) -> UserAccount | None:
    """The row of a user, nobody else's until this transaction ends, if there is one still."""
    return session.get(UserAccount, user_id, with_for_update=True) if user_id else None


def is_empty(session: Session) -> bool:
    """Whether there is no user yet."""
    return not session.scalar(select(exists().where(UserAccount.id.is_not(None))))


def lock_admins(session: Session) -> None:
    """Wait for whoever else is about to make, or unmake, an admin."""
    sql.one_at_a_time(session.connection(), ADMINS)


def refuse_without_admin(session: Session, but: UserAccount) -> None:
    """Raise LastAdmin when, without this one, nobody is left who is one and enabled."""
    is_admin = (UserAccount.role == Role.ADMIN, UserAccount.is_enabled)
    if not session.scalar(select(exists().where(*is_admin, UserAccount.id != but.id))):
        raise LastAdmin


def store(session: Session, *rows: UserAccount) -> None:
    """Write what is new or has changed. Raises UserExists."""
    session.add_all(rows)
    try:
        session.flush()
    except IntegrityError:
        raise UserExists from None


def remove(session: Session, user_id: str) -> None:
    """Delete a user, and by the schema all that is theirs."""
    session.execute(delete(UserAccount).where(UserAccount.id == user_id))


def with_totp(session: Session) -> Sequence[UserAccount]:
    """The rows of those who have a second factor, or have begun to."""
    has_some = UserAccount.totp_secret.is_not(None) | UserAccount.totp_pending.is_not(None)
    return session.scalars(
        select(UserAccount).where(has_some).order_by(UserAccount.id).with_for_update()
    ).all()
