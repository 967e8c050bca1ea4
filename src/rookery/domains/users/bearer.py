"""What bearers bring: API tokens, whose shape tells a mistyped one and a leaked one, and plain secrets. Pure.

    rk_ ‖ id (8) ‖ _ ‖ secret (33, 196 bits) ‖ CRC-32 of all before (6), in the digits 0-9 A-Z a-z

Their entropy is high, so a plain SHA-256 of the secret is kept, and to look one up costs next to nothing.
"""

from __future__ import annotations

import re
import secrets
import zlib
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, NamedTuple

from rookery.domains.users.rules import as_bytes

PREFIX: Final = "rk_"
ID_LENGTH: Final = 8
SECRET_LENGTH: Final = 33
CRC_LENGTH: Final = 6

_DIGITS: Final = digits + ascii_uppercase + ascii_lowercase
_SHAPE: Final = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CRC_LENGTH}}})"
)


class Bearer(NamedTuple):
    """An API token, taken apart."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        """The token as it is shown, once, to its owner."""
        start = f"{PREFIX}{self.id}_{self.secret}"
        return start + _crc(start)


def mint() -> Bearer:
    """A new one."""
    return Bearer(_random(ID_LENGTH), _random(SECRET_LENGTH))


def parsed(text: str) -> Bearer | None:
    """The parts of a token; None when it cannot be one, for which nobody needs to be asked."""
    found = _SHAPE.fullmatch(text)
    if found is None or _crc(text[:-CRC_LENGTH]) != found[3]:
        return None
    return Bearer(found[1], found[2])


def new_secret() -> str:
    """256 random bits for a cookie or a link."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """What is kept of a secret that was made here."""
    return sha256(as_bytes(secret)).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_DIGITS) for _ in range(length))


def _crc(text: str) -> str:
    rest, found = zlib.crc32(text.encode()), ""
    for _ in range(CRC_LENGTH):
        rest, digit = divmod(rest, len(_DIGITS))
        found = _DIGITS[digit] + found
    return found
