"""The key that signs checkpoints: Ed25519, made on first use, readable by its owner alone.

`<data_dir>/keys/audit.key` (PKCS #8 PEM, mode 0600) signs; `audit.pub` beside it verifies and is for giving
away. Every other `*.pub` in that folder is trusted too: keys of other machines that write to the same log.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from hmac import digest as hmac_digest
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rookery.base.ids import new_id
from rookery.domains.audit.errors import KeyUnusable

PRIVATE: Final = "audit.key"
PUBLIC: Final = "audit.pub"

_SEALING = b"rookery audit outbox\n"
_LARGEST = 10_000  # bytes of a key file
_OTHERS = 0o077  # the permission bits of everybody but the owner


class Signed(Protocol):
    """A statement, the key that is said to have signed it, and the signature."""

    @property
    def key_id(self) -> str: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def body(self) -> bytes: ...


class Signer:
    """Signs with the private key of one data directory."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._sealing = sha256(_SEALING + key.private_bytes_raw()).digest()
        self.key_id = key_id(key.public_key())

    def sign(self, body: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature over `body` (RFC 8032)."""
        return self._key.sign(body)

    def has_signed(self, signed: Signed) -> bool:
        """Whether this key made its signature."""
        return Keyring([self._key.public_key()]).verifies(signed)

    def seal(self, body: bytes) -> bytes:
        """An HMAC-SHA-256 that only who holds the key can make or verify: twenty times quicker to make."""
        return hmac_digest(self._sealing, body, "sha256")


class Keyring:
    """Public keys that are trusted, by their ids."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def verifies(self, signed: Signed) -> bool:
        """Whether the key that it names is here, and made its signature; whatever types its parts are of."""
        try:
            self._keys[signed.key_id].verify(signed.signature, signed.body)
        except (KeyError, InvalidSignature, AttributeError, TypeError):
            return False
        return True

    def texts(self) -> list[str]:
        """The keys as PEM."""
        return [_public_pem(key).decode() for key in self._keys.values()]


def key_id(key: Ed25519PublicKey) -> str:
    """Sixteen hexadecimal digits that name a public key: the start of the SHA-256 of its 32 raw bytes."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return sha256(raw).hexdigest()[:16]


def open_signer(folder: Path) -> Signer:
    """The signer of this folder; its key pair is made when there is none. Raises KeyUnusable."""
    path = folder / PRIVATE
    try:
        if not path.exists():
            _make_pair(folder)
        _refuse_shared(path)
        key = serialization.load_pem_private_key(_read(path), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(f"{path} holds another kind of key: an Ed25519 key is needed")
        if not (folder / PUBLIC).exists():
            _write(folder / PUBLIC, _public_pem(key.public_key()), 0o644)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(
            f"{path}: {error}. Restore it from a backup, or move it away to begin a new key"
        ) from error
    return Signer(key)


def trusted_keys(folder: Path) -> Keyring:
    """Every `*.pub` in the folder. Raises KeyUnusable for one that cannot be read."""
    return Keyring(load_public(path) for path in sorted(folder.glob("*.pub")))


def load_public(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises KeyUnusable."""
    try:
        return parse_public(_read(path))
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{path} is not an Ed25519 public key in PEM: {error}") from error


def parse_public(pem: bytes) -> Ed25519PublicKey:
    """The public key in PEM text. Raises ValueError."""
    try:
        key = serialization.load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:
        raise ValueError("it holds a kind of key that nothing here can read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it holds another kind of key")  # noqa: TRY004  the text is wrong
    return key


def _make_pair(folder: Path) -> None:
    """Two processes may come here at once: link() lets one of them be first, and the other uses its key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{new_id()}"
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(draft, private, 0o600)
    try:
        with suppress(FileExistsError):
            os.link(draft, folder / PRIVATE)
    finally:
        draft.unlink()


def _write(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST)


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _refuse_shared(path: Path) -> None:
    if path.stat().st_mode & _OTHERS:
        raise KeyUnusable(f"{path} can be read by others: chmod 600 {path}")
