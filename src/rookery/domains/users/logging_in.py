"""Logging in: a password, a second factor where there is one, and as much time for who does not exist."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from rookery.base.clock import now, now_us, to_us
from rookery.domains.users import attempts, passwords, second_factor, store
from rookery.domains.users.document import User, user_of
from rookery.domains.users.errors import LoginRefused, TotpNeeded
from rookery.domains.users.events import LoginFailed, LoginSucceeded, SecondFactorAsked
from rookery.domains.users.models import KnownNetwork, UserAccount
from rookery.domains.users.rules import NETWORK_KNOWN_FOR, one_line
from rookery.domains.users.throttling import keys_of, network_of
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.vault.keys import open_vault
from rookery.mechanisms.vault.sealing import Vault

NOBODY = "nobody"
"""How a user is called who does not exist."""


class Attempt(NamedTuple):
    """One attempt, which has been charged: from where, by which keys, and what the next one has to wait."""

    address: str
    keys: list[str]
    wait: int
    user_id: str | None = None
    password_hash: str | None = None


class Finding(NamedTuple):
    """What an attempt has come to: why it is refused, if it is, and what was shown beside the password."""

    refused: str = ""
    factor: str = ""
    needs_code: bool = False


@dual
def authenticate(
    rook: Rook, /, username: str, password: str, *, totp: str | None = None, address: str | None = None
) -> User:
    """The user who has this password, and this code of their app or recovery code where they have such.

    Raises LoginRefused, TotpNeeded when only the code is missing, TooManyAttempts with `retry_after`.
    """
    vault = rook.offload(open_vault, rook.config)
    attempt = _charged(rook, vault, username, one_line(address or ""))
    verdict = passwords.verified(rook, attempt.password_hash, password)
    new_hash = passwords.hashed(rook, password) if verdict.is_outdated else None
    with rook.transaction() as session:
        row = store.locked(session, attempt.user_id)
        is_right = verdict.is_right and row is not None and row.password_hash == attempt.password_hash
        found = _judged(session, vault, row, is_right=is_right, code=totp)
        rook.emit(_settled(session, row, attempt, found, new_hash))
    if row is None or found.refused:
        raise LoginRefused
    if found.needs_code:
        raise TotpNeeded
    return user_of(row)


def _charged(rook: Rook, vault: Vault, username: str, address: str) -> Attempt:
    """Unknown names are counted like others, by names that tell nothing: they may be mistaken passwords."""
    account, network = vault.name(f"login {username.lower()!a}"), network_of(address)
    with rook.transaction() as session:
        row = store.called(session, username)
        is_known = row is not None and _has_logged_in_from(session, row.id, network)
        keys = keys_of(account, network, is_known=is_known)
        wait = attempts.charge(session, keys, now_us())
        attempts.clear(session, now_us())
    if row is None:
        return Attempt(address, keys, wait)
    return Attempt(address, keys, wait, row.id, row.password_hash)


def _has_logged_in_from(session: Session, user_id: str, network: str) -> bool:
    known = session.get(KnownNetwork, (user_id, network)) if network else None
    return known is not None and known.last_login_us >= to_us(now() - NETWORK_KNOWN_FOR)


def _judged(
    session: Session, vault: Vault, row: UserAccount | None, *, is_right: bool, code: str | None
) -> Finding:
    if row is None:
        return Finding("unknown user")
    if not is_right:
        return Finding("wrong password")
    if not row.is_enabled:
        return Finding("disabled")
    if row.totp_secret is None:
        return Finding()
    if not code:
        return Finding(needs_code=True)
    factor = second_factor.taken(session, vault, row, code)
    return Finding(factor=factor) if factor else Finding("wrong code")


def _settled(
    session: Session, row: UserAccount | None, attempt: Attempt, found: Finding, new_hash: str | None
) -> object:
    """Keep what an attempt has come to; the event that tells it."""
    if row is None or found.refused:
        return LoginFailed(row.username if row else NOBODY, attempt.address, found.refused, attempt.wait)
    if found.needs_code:
        attempts.refund(session, attempt.keys)
        return SecondFactorAsked(row.username, row.id, attempt.address)
    _let_in(session, row, attempt, new_hash)
    return LoginSucceeded(row.username, row.id, attempt.address, found.factor)


def _let_in(session: Session, row: UserAccount, attempt: Attempt, new_hash: str | None) -> None:
    """What is counted of the account begins anew; its address has to answer for other accounts still."""
    of_address = [key for key in attempt.keys if key.startswith("address ")]
    attempts.refund(session, of_address)
    attempts.forget(session, [key for key in attempt.keys if key not in of_address])
    row.last_login_us = now_us()
    row.password_hash = new_hash or row.password_hash
    if network := network_of(attempt.address):
        session.merge(KnownNetwork(user_id=row.id, network=network, last_login_us=now_us()))
    old = KnownNetwork.last_login_us < to_us(now() - NETWORK_KNOWN_FOR)
    session.execute(delete(KnownNetwork).where(KnownNetwork.user_id == row.id, old))
