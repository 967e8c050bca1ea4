"""Second factors: TOTP (RFC 6238) as the usual apps have it, and recovery codes. Pure.

A code is taken one half minute early or late, for clocks differ; and only when it is of a later half minute
than the last one that was taken.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from hashlib import sha256
from hmac import compare_digest
from typing import Final

import msgspec
from pyotp import random_base32
from pyotp.totp import TOTP

from rookery.domains.users.rules import RECOVERY_CODES, as_bytes

STEP: Final = 30  # seconds
DRIFT: Final = 1  # steps
ISSUER: Final = "Rookery"
_RECOVERY_BYTES: Final = 10
"""80 bits: no dictionary of hashes helps whoever has read the database."""
_GROUP: Final = 4


class TotpSecret(msgspec.Struct, frozen=True):
    """What an app is given: the URI as a QR code, or the secret to be typed."""

    uri: str
    secret: str

    def __repr__(self) -> str:
        return "TotpSecret(***)"


def new_totp(username: str) -> TotpSecret:
    """A new secret for somebody's app."""
    secret = random_base32()
    return TotpSecret(TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER), secret)


def step_of(secret: str, code: str, now_us: int) -> int | None:
    """The half minute that a code is of; None when it is of none that would do."""
    digits, totp = code.replace(" ", ""), TOTP(secret)
    now = now_us // 1_000_000 // STEP
    steps = range(now - DRIFT, now + DRIFT + 1)
    fitting = [step for step in steps if compare_digest(totp.generate_otp(step).encode(), as_bytes(digits))]
    return fitting[-1] if fitting else None


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes, such as abcd-efgh-ijkl-mnop."""
    return tuple(_recovery_code() for _ in range(RECOVERY_CODES))


def _recovery_code() -> str:
    text = b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def recovery_hash(code: str) -> bytes:
    """What is kept of a recovery code, however it is typed."""
    return sha256("".join(filter(str.isalnum, code)).lower().encode()).digest()
