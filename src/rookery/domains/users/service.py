"""What admins do with users: add, change, remove them; and passwords."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.users import passwords, session_rows, store
from rookery.domains.users.document import User, user_of
from rookery.domains.users.errors import UserChanged, UserNotValid
from rookery.domains.users.events import (
    PasswordChanged,
    SessionsEnded,
    UserCreated,
    UserDeleted,
    UserUpdated,
)
from rookery.domains.users.models import UserAccount
from rookery.domains.users.rules import Role, check_password, check_user, role_of
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

PARTS = {"username": "username", "email": "email", "role": "role", "enabled": "is_enabled"}
"""What may be changed of a user, and the column that it is in."""


@dual
def create(
    rook: Rook,
    /,
    username: str,
    email: str | None = None,
    role: str = Role.VIEWER,
    *,
    password: str | None = None,
) -> User:
    """Add a user. Without a password nobody can log in as them, and tokens of theirs work.

    Raises UserNotValid, PasswordTooWeak, UserExists.
    """
    check_user(username, email)
    wanted = role_of(role)
    if password is not None:
        check_password(password, username, email)
    row = new_row(rook, username, email, wanted, password and passwords.hashed(rook, password))
    with rook.transaction() as session:
        store.lock_admins(session)
        store.store(session, row)
        rook.emit(UserCreated(username, row.id, wanted.value))
    return user_of(row)


def new_row(
    rook: Rook, username: str, email: str | None, role: Role, password_hash: str | None
) -> UserAccount:
    """The row of a new user."""
    moment = now_us()
    return UserAccount(
        id=new_id(), username=username, called=username.lower(), email=email,
        email_called=email and email.lower(), role=role.value, is_enabled=True, password_hash=password_hash,
        password_changed_us=password_hash and moment, totp_secret=None, totp_pending=None, totp_step=0,
        revision=1, created_us=moment, created_by=rook.actor, updated_us=moment, last_login_us=None,
    )  # fmt: skip


@dual
def update(rook: Rook, /, user_id: str, *, revision: int | None = None, **parts: Any) -> User:
    """Change what is given of username, email, role and enabled.

    With `revision`, only when nobody has changed the user since it was that. Another role, or
    disabling, ends all sessions. Raises UserNotFound, UserChanged, UserNotValid, UserExists, LastAdmin.
    """
    if unknown := parts.keys() - PARTS.keys():
        raise UserNotValid(f"A user has no {', '.join(sorted(unknown))} that could be changed.")
    if "role" in parts:
        parts["role"] = role_of(parts["role"]).value
    with rook.transaction() as session:
        store.lock_admins(session)
        row = store.row_of(session, user_id, for_update=True)
        if revision not in (None, row.revision):
            raise UserChanged
        if changed := _write(session, row, parts):
            ended = session_rows.end(session, row.id) if {"role", "enabled"} & set(changed) else 0
            rook.emit(UserUpdated(row.username, row.id, changed, row.role, row.is_enabled))
            if ended:
                rook.emit(SessionsEnded(row.username, row.id, ended))
    return user_of(row)


def _write(session: Session, row: UserAccount, parts: dict[str, Any]) -> tuple[str, ...]:
    """Write what is different; its names."""
    was_admin = _lets_people_in(row)
    changed = {name: value for name, value in parts.items() if getattr(row, PARTS[name]) != value}
    for name, value in changed.items():
        setattr(row, PARTS[name], value)
    check_user(row.username, row.email)
    row.called, row.email_called = row.username.lower(), row.email and row.email.lower()
    if changed:
        row.revision, row.updated_us = row.revision + 1, now_us()
        store.store(session, row)
    if was_admin and not _lets_people_in(row):
        store.refuse_without_admin(session, row)
    return tuple(changed)


def _lets_people_in(row: UserAccount) -> bool:
    return row.role == Role.ADMIN and row.is_enabled


@dual
def set_password(rook: Rook, /, user_id: str, password: str, *, keep_session: str | None = None) -> None:
    """Give a user another password; all their sessions end but the one with the id `keep_session`.

    Raises UserNotFound, PasswordTooWeak.
    """
    user = store.get(rook, user_id)
    check_password(password, user.username, user.email)
    password_hash = passwords.hashed(rook, password)
    with rook.transaction() as session:
        row = store.row_of(session, user_id, for_update=True)
        row.password_hash, row.password_changed_us = password_hash, now_us()
        row.revision, row.updated_us = row.revision + 1, now_us()
        ended = session_rows.end(session, row.id, keep=keep_session)
        rook.emit(PasswordChanged(row.username, row.id, ended))


@dual
def update_last_login(rook: Rook, /, user_id: str) -> None:
    """Note that a user has logged in now. Raises UserNotFound.

    `authenticate` does it by itself; whoever lets people in by another way announces it: this is no event.
    """
    with rook.transaction() as session:
        store.row_of(session, user_id, for_update=True).last_login_us = now_us()


@dual
def delete(rook: Rook, /, user_id: str) -> None:
    """Remove a user, with their sessions and tokens. Raises UserNotFound, LastAdmin."""
    with rook.transaction() as session:
        store.lock_admins(session)
        row = store.row_of(session, user_id, for_update=True)
        if _lets_people_in(row):
            store.refuse_without_admin(session, row)
        store.remove(session, row.id)
        rook.emit(UserDeleted(row.username, row.id))
