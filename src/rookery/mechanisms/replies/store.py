"""Claims and answers, as they are stored."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.mechanisms.dual import dual
from rookery.mechanisms.replies.models import Reply
from rookery.mechanisms.store import sql

CLAIM_SECONDS = 60
KEPT_SECONDS = 86_400
_CLAIM = """
    INSERT INTO reply (key, digest, claimed_us, status, headers, body)
    VALUES (:key, :digest, :now, 0, '', :nothing) ON CONFLICT DO NOTHING RETURNING key"""


class Kept(NamedTuple):
    """What is known of a key: the digest of its request, and the answer; a status of 0: none yet."""

    digest: str
    status: int
    headers: str
    body: bytes


@dual
def claim(session: Session, /, key: str, digest: str) -> Kept | None:
    """Claim a key for a request of this digest. None: it is the caller's; else what is known of it."""
    now = now_us()
    session.execute(delete(Reply).where(Reply.claimed_us < now - KEPT_SECONDS * 1_000_000))
    forgotten = (Reply.status == 0) & (Reply.claimed_us < now - CLAIM_SECONDS * 1_000_000)
    session.execute(delete(Reply).where(Reply.key == key, forgotten))
    values = {"key": key, "digest": digest, "now": now, "nothing": b""}
    if sql.run(session.connection(), _CLAIM, values).scalar() is not None:
        return None
    columns = (Reply.digest, Reply.status, Reply.headers, Reply.body)
    return Kept(*session.execute(select(*columns).where(Reply.key == key)).one())


@dual
def keep(session: Session, /, key: str, status: int, headers: str, body: bytes) -> None:
    """Keep the answer of a key that was claimed."""
    answer = {"status": status, "headers": headers, "body": body}
    session.execute(update(Reply).where(Reply.key == key).values(answer))


@dual
def release(session: Session, /, key: str) -> None:
    """Give a key back: there was no answer worth keeping."""
    session.execute(delete(Reply).where(Reply.key == key, Reply.status == 0))
