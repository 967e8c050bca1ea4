"""Credentials, as they are stored: sealed, and how often they were taken and refused."""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now_us
from rookery.base.structs import ready
from rookery.domains.credentials.errors import CredentialExists, CredentialNotFound
from rookery.domains.credentials.models import Credential
from rookery.domains.credentials.rules import CredentialInfo, Secret
from rookery.mechanisms.dual import dual
from rookery.mechanisms.store import sql
from rookery.mechanisms.store.names import Called, by_id
from rookery.mechanisms.vault.sealing import Vault

CALLED = Called("credential", "rookery credentials list", CredentialNotFound)

_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_secret = msgspec.json.Decoder(ready(Secret)).decode


def rows(session: Session) -> list[Credential]:
    """All of them, by priority and name."""
    return list(session.scalars(select(Credential).order_by(Credential.priority, Credential.called)))


def row_of(session: Session, name: str, *, for_update: bool = False) -> Credential:
    """The row of a credential, by its name in any case, or its id. Raises CredentialNotFound."""
    query = select(Credential).where(Credential.called == name.lower())
    row = session.scalar(query.with_for_update() if for_update else query)
    return by_id(session, Credential, name, CALLED) if row is None else row


@dual
def add(session: Session, /, row: Credential) -> None:
    """Store a new credential. Raises CredentialExists."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise CredentialExists(f"There is a credential {row.name} already.") from None


@dual
def remove(session: Session, /, credential_id: str) -> None:
    """Delete a credential."""
    session.execute(delete(Credential).where(Credential.id == credential_id))


_TAKEN = """
    UPDATE credential SET success_count = success_count + 1, failed_in_row = 0, last_success_us = :now
    WHERE id = :id"""
_REFUSED = """
    UPDATE credential SET failure_count = failure_count + 1, failed_in_row = failed_in_row + 1,
        last_failure_us = :now
    WHERE id = :id"""


@dual
def note_use(session: Session, /, credential_id: str, *, was_taken: bool) -> None:
    """Count what a device said to a credential. By the driver: every backup pays for it."""
    statement = _TAKEN if was_taken else _REFUSED
    sql.run(session.connection(), statement, {"id": credential_id, "now": now_us()})


def sealed(vault: Vault, secret: Secret, credential_id: str) -> bytes:
    """A secret as it is stored."""
    return vault.seal(msgspec.json.encode(secret), place(credential_id))


def opened(vault: Vault, row: Credential) -> Secret:
    """The secret of a row. Raises SealBroken."""
    return _decode_secret(vault.open(row.secret, place(row.id)))


def place(credential_id: str) -> str:
    """What a secret is bound to."""
    return f"credential {credential_id}"


def info(row: Credential, secret: Secret) -> CredentialInfo:
    """A row, read, without what is secret."""
    used = row.success_count + row.failure_count
    return CredentialInfo(
        has_password=bool(secret.password),
        has_private_key=bool(secret.private_key),
        has_enable=secret.enable is not None,
        tags=_decode_tags(row.tags),
        created=from_us(row.created_us),
        updated=from_us(row.updated_us),
        last_success=None if row.last_success_us is None else from_us(row.last_success_us),
        last_failure=None if row.last_failure_us is None else from_us(row.last_failure_us),
        success_rate=row.success_count / used if used else None,
        **{name: getattr(row, name) for name in _SAME},
    )


_SAME = (
    *("id", "name", "username", "priority", "description", "revision", "created_by", "success_count"),
    *("failure_count", "failed_in_row"),
)
