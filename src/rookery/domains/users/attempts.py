"""Attempts to log in, as they are counted; rows are locked in the order of their keys.

An attempt is charged as a failure before its password is looked at, and forgiven when that was right: those
that are made at once are no more than the wait allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.orm import Session

from rookery.domains.users.errors import TooManyAttempts
from rookery.domains.users.throttling import FORGOTTEN_AFTER, LONGEST_WAIT, wait_after
from rookery.mechanisms.store import sql

SECOND = 1_000_000  # microseconds
_FORGOTTEN = FORGOTTEN_AFTER // timedelta(microseconds=1)
_MOST_FORGOTTEN = 100
"""Rows that one attempt clears away: more than it makes."""

_COUNTED = """
    INSERT INTO login_throttle (key, failures, last_us, until_us) VALUES (:key, 0, :now, 0)
    ON CONFLICT (key) DO UPDATE SET failures =
        CASE WHEN login_throttle.last_us < :forgotten THEN 0 ELSE login_throttle.failures END
    RETURNING failures, until_us"""
_CHARGE = "UPDATE login_throttle SET failures = :failures, last_us = :now, until_us = :until WHERE key = :key"
_REFUND = """
    UPDATE login_throttle SET failures = failures - 1, until_us = 0 WHERE key = :key AND failures > 0"""
_FORGET = "DELETE FROM login_throttle WHERE key = :key"
_CLEAR = """
    DELETE FROM login_throttle WHERE key IN (
        SELECT key FROM login_throttle WHERE last_us < :forgotten LIMIT {most} {skipping})"""


def charge(session: Session, keys: Iterable[str], now_us: int) -> int:
    """Count a failure for each key; the seconds that the next attempt has to wait. Raises TooManyAttempts."""
    connection, waits, counted = session.connection(), [0], []
    for key in keys:
        values = {"key": key, "now": now_us, "forgotten": now_us - _FORGOTTEN}
        failures, until_us = sql.run(connection, _COUNTED, values).one()
        waits.append(math.ceil((until_us - now_us) / SECOND))
        counted.append((key, failures + 1))
    # What is longer than any wait comes from a clock that was put back, and is nobody's fault.
    left = max(wait for wait in waits if wait <= LONGEST_WAIT)
    if left > 0:
        raise TooManyAttempts(left)
    for key, failures in counted:
        wait = wait_after(failures)
        until_us = now_us + wait * SECOND if wait else 0  # another attempt may think that it is earlier
        sql.run(connection, _CHARGE, {"key": key, "failures": failures, "now": now_us, "until": until_us})
    return max(wait_after(failures) for _, failures in counted)


def refund(session: Session, keys: Iterable[str]) -> None:
    """Take back what an attempt was charged, and nothing of what others were."""
    for key in keys:
        sql.run(session.connection(), _REFUND, {"key": key})


def forget(session: Session, keys: Iterable[str]) -> None:
    """Start anew."""
    for key in keys:
        sql.run(session.connection(), _FORGET, {"key": key})


def clear(session: Session, now_us: int) -> None:
    """Remove what is forgotten."""
    skipping = sql.skipping_locked(session.connection())
    statement = _CLEAR.format(most=_MOST_FORGOTTEN, skipping=skipping)
    sql.run(session.connection(), statement, {"forgotten": now_us - _FORGOTTEN})
