"""Second factors of users: begun, confirmed, asked for, given up; their secrets sealed in the vault."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.domains.users import store
from rookery.domains.users.errors import TotpNotValid
from rookery.domains.users.events import TotpBegun, TotpDisabled, TotpEnabled, TotpSecretsResealed
from rookery.domains.users.models import RecoveryCode, UserAccount
from rookery.domains.users.totp import TotpSecret, new_recovery_codes, new_totp, recovery_hash, step_of
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.vault.keys import open_vault
from rookery.mechanisms.vault.sealing import Vault


@dual
def totp_begin(rook: Rook, /, user_id: str) -> TotpSecret:
    """A new secret for a user's app, which counts from `totp_confirm` on. Raises UserNotFound."""
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        row = store.row_of(session, user_id, for_update=True)
        made = new_totp(row.username)
        row.totp_pending = vault.seal(made.secret.encode(), _place(row.id))
        rook.emit(TotpBegun(row.username, row.id))
    return made


@dual
def totp_confirm(rook: Rook, /, user_id: str, code: str) -> tuple[str, ...]:
    """Ask for a code from now on, as this one proves that the app has the secret; the recovery codes.

    They are shown once; those of before are worth nothing. Raises UserNotFound, TotpNotValid.
    """
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        row = store.row_of(session, user_id, for_update=True)
        if row.totp_pending is None:
            raise TotpNotValid("There is nothing to confirm: begin with a new secret.")
        step = step_of(vault.open(row.totp_pending, _place(row.id)).decode(), code, now_us())
        if step is None:
            raise TotpNotValid
        row.totp_secret, row.totp_pending, row.totp_step = row.totp_pending, None, step
        codes = _new_codes(session, row)
        row.revision, row.updated_us = row.revision + 1, now_us()
        rook.emit(TotpEnabled(row.username, row.id))
    return codes


@dual
def totp_disable(rook: Rook, /, user_id: str) -> None:
    """Ask for no code any more; recovery codes go, too. Raises UserNotFound."""
    with rook.transaction() as session:
        row = store.row_of(session, user_id, for_update=True)
        if row.totp_secret is None and row.totp_pending is None:
            return
        row.totp_secret = row.totp_pending = None
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == row.id))
        row.revision, row.updated_us = row.revision + 1, now_us()
        rook.emit(TotpDisabled(row.username, row.id))


def taken(session: Session, vault: Vault, row: UserAccount, code: str) -> str:
    """What a code was, `totp` or `recovery code`, which it is never again; empty when it is none.

    The row is locked by this transaction: of two who bring the same code at once one is refused.
    """
    secret = vault.open(row.totp_secret or b"", _place(row.id)).decode()
    step = step_of(secret, code, now_us())
    if step is not None and step > row.totp_step:
        row.totp_step = step
        return "totp"
    mine = (RecoveryCode.user_id == row.id, RecoveryCode.code_hash == recovery_hash(code))
    used = session.scalar(delete(RecoveryCode).where(*mine).returning(RecoveryCode.user_id))
    return "recovery code" if used else ""


@dual
def reseal(rook: Rook, /) -> int:
    """Seal every secret that another key has sealed with the one in use; how many those were.

    Raises VaultKeyUnusable, SealBroken.
    """
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        rows = store.with_totp(session)
        count = sum(_resealed(vault, row, name) for row in rows for name in ("totp_secret", "totp_pending"))
        if count:
            rook.emit(TotpSecretsResealed(count))
    return count


def _resealed(vault: Vault, row: UserAccount, name: str) -> bool:
    sealed = getattr(row, name)
    if sealed is None or vault.is_current(sealed):
        return False
    setattr(row, name, vault.seal(vault.open(sealed, _place(row.id)), _place(row.id)))
    return True


def _new_codes(session: Session, row: UserAccount) -> tuple[str, ...]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == row.id))
    codes = new_recovery_codes()
    session.add_all(RecoveryCode(user_id=row.id, code_hash=recovery_hash(code)) for code in codes)
    return codes


def _place(user_id: str) -> str:
    """What a secret is bound to."""
    return f"totp of user {user_id}"
