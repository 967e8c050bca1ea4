"""Sealing, opening, and names for secrets.

    sealed = 0x01 ‖ id of the key (4 bytes) ‖ nonce (12) ‖ AES-256-GCM(plain, bound to `what`)

`what` names the row that it belongs to: sealed text that is moved to another row does not open there.
"""

from __future__ import annotations

import os
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rookery.mechanisms.vault.errors import SealBroken, VaultKeyUnusable

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ID_BYTES: Final = 4
FORMAT: Final = b"\x01"
NAME_CHARACTERS: Final = 13
"""65 bits: no two secrets of a network have the same name by chance."""


class Vault:
    """Seals with the first of its keys, opens with any; `naming` is the key of names, which never changes."""

    def __init__(self, keys: Sequence[bytes], naming: bytes) -> None:
        for key in (*keys, naming):
            if len(key) != KEY_BYTES:
                raise VaultKeyUnusable(f"A key of the vault has {KEY_BYTES} bytes, not {len(key)}.")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._naming = naming
        self.current = key_id(keys[0])

    def seal(self, plain: bytes, what: str) -> bytes:
        """The sealed text, 33 bytes longer."""
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._ciphers[self.current]
        return FORMAT + self.current + nonce + cipher.encrypt(nonce, plain, what.encode())

    def open(self, sealed: bytes, what: str) -> bytes:
        """What was sealed for this. Raises SealBroken."""
        start = len(FORMAT) + ID_BYTES
        cipher = self._ciphers.get(sealed[len(FORMAT) : start])
        if cipher is None or not sealed.startswith(FORMAT):
            raise SealBroken
        nonce, rest = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, rest, what.encode())
        except (InvalidTag, ValueError):
            raise SealBroken from None

    @property
    def mark(self) -> bytes:
        """How everything begins that is sealed with the key that is used now."""
        return FORMAT + self.current

    def is_current(self, sealed: bytes) -> bool:
        """Whether it is sealed with the key that is used now."""
        return sealed.startswith(self.mark)

    def name(self, secret: str) -> str:
        """A name for a secret: the same for the same secret, and of no use to whoever lacks the key."""
        return b32encode(digest(self._naming, secret.encode(), "sha256"))[:NAME_CHARACTERS].decode().lower()


def key_id(key: bytes) -> bytes:
    """What a key is called in what it has sealed."""
    return sha256(b"rookery vault\n" + key).digest()[:ID_BYTES]
