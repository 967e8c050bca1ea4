"""Where the vault's keys come from: the settings, the system's keyring, or a file made on first use.

`<data_dir>/keys/vault.key` (mode 0600) holds keys in base64, one per line, the one in use first; `names.key`
beside it the key of names, which is never changed: a new one would make every secret look changed.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rookery.base.errors import ConfigError
from rookery.base.ids import new_id
from rookery.mechanisms.vault.errors import VaultKeyUnusable
from rookery.mechanisms.vault.sealing import KEY_BYTES, Vault

if TYPE_CHECKING:
    from rookery.base.config import Config

FILE: Final = "vault.key"
NAMES: Final = "names.key"
SERVICE: Final = "rookery"
_OTHERS: Final = 0o077
_LARGEST: Final = 10_000  # bytes


def open_vault(config: Config) -> Vault:
    """The vault of a data directory; its keys are made when there are none. Raises VaultKeyUnusable."""
    folder = config.data_dir / "keys"
    return Vault(_keys(config, folder), _read_or_make(folder / NAMES)[0])


def is_in_file(config: Config) -> bool:
    """Whether the key in use is the file's, so that we can change it."""
    return config.vault.key is None and not config.vault.keyring


def add_key(config: Config) -> None:
    """From now on seal with a new key; the old ones still open. Raises ConfigError, VaultKeyUnusable."""
    if not is_in_file(config):
        raise ConfigError(
            "The vault's key is not in its file: put the new one into vault.key, and the one before into "
            "vault.old_key, then run this again with --reseal-only."
        )
    path = config.data_dir / "keys" / FILE
    _write(path, [os.urandom(KEY_BYTES), *_read_or_make(path)])


def drop_old_keys(config: Config) -> int:
    """Keep only the key in use; how many there were besides."""
    path = config.data_dir / "keys" / FILE
    keys = _read_or_make(path)
    if len(keys) > 1:
        _write(path, keys[:1])
    return len(keys) - 1


def _keys(config: Config, folder: Path) -> list[bytes]:
    settings = config.vault
    given = [_decoded(text, "vault.key") for text in (settings.key, settings.old_key) if text]
    if settings.keyring and not settings.key:
        given = [_from_keyring(str(config.data_dir)), *given]
    if not settings.key and not settings.keyring:
        return [*_read_or_make(folder / FILE), *given]
    old = _read(folder / FILE) if (folder / FILE).exists() else []
    return [*given, *old]


def _from_keyring(account: str) -> bytes:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise VaultKeyUnusable(
            "vault.keyring wants the keyring package: pip install 'rookery[keyring]'"
        ) from None
    try:
        text = keyring.get_password(SERVICE, account)
        if text is None:
            text = b64encode(os.urandom(KEY_BYTES)).decode()
            keyring.set_password(SERVICE, account, text)
    except KeyringError as error:
        raise VaultKeyUnusable(f"The system's keyring: {error}.") from error
    return _decoded(text, "the system's keyring")


def _read_or_make(path: Path) -> list[bytes]:
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path)
        return _read(path)
    except OSError as error:
        raise VaultKeyUnusable(f"{path}: {error.strerror}. {VaultKeyUnusable.__doc__}") from error


def _read(path: Path) -> list[bytes]:
    if path.stat().st_mode & _OTHERS:
        raise VaultKeyUnusable(f"{path} can be read by others: chmod 600 {path}")
    with path.open("rb") as file:
        lines = file.read(_LARGEST).decode("ascii", "replace").split()
    if not lines:
        raise VaultKeyUnusable(f"{path} is empty. {VaultKeyUnusable.__doc__}")
    return [_decoded(line, str(path)) for line in lines]


def _decoded(text: str, where: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultKeyUnusable(f"{where} holds no key: {KEY_BYTES} bytes in base64 are needed.")
    return key


def _make(path: Path) -> None:
    """Two processes that start together make one key: a link is made, or is there already."""
    draft = path.with_name(f".{path.name}.{new_id()}")
    _write(draft, [os.urandom(KEY_BYTES)])
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _write(path: Path, keys: list[bytes]) -> None:
    """All or nothing, and on the disk when it returns."""
    draft = path.with_name(f".{path.name}.{new_id()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # what the new key seals must not outlive it
    finally:
        os.close(folder)
