"""Secrets at rest: what is sealed opens only where it belongs, with a key that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from msgspec.structs import replace

from rookery.base.config import Config, Vault
from rookery.base.errors import ConfigError
from rookery.mechanisms.vault import keys, sealing
from rookery.mechanisms.vault.errors import SealBroken, VaultKeyUnusable
from rookery.mechanisms.vault.keys import add_key, drop_old_keys, open_vault

KEY, OTHER, NAMING = bytes(32), b"o" * 32, b"n" * 32


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_is_sealed_opens_where_it_belongs(plain: bytes, what: str) -> None:
    vault = sealing.Vault([KEY], NAMING)
    sealed = vault.seal(plain, what)
    assert vault.open(sealed, what) == plain
    assert len(sealed) == len(plain) + 33
    assert vault.seal(plain, what) != sealed


@given(st.integers(0, 40), st.integers(1, 255))
def test_a_single_changed_bit_is_seen(at: int, change: int) -> None:
    vault = sealing.Vault([KEY], NAMING)
    sealed = bytearray(vault.seal(b"a secret", "row 1"))
    sealed[at] ^= change
    with pytest.raises(SealBroken):
        vault.open(bytes(sealed), "row 1")


def test_what_is_moved_to_another_row_does_not_open_there() -> None:
    vault = sealing.Vault([KEY], NAMING)
    with pytest.raises(SealBroken):
        vault.open(vault.seal(b"a secret", "row 1"), "row 2")


def test_another_key_opens_nothing_and_both_open_all() -> None:
    before = sealing.Vault([KEY], NAMING)
    sealed = before.seal(b"a secret", "x")
    with pytest.raises(SealBroken):
        sealing.Vault([OTHER], NAMING).open(sealed, "x")
    both = sealing.Vault([OTHER, KEY], NAMING)
    assert both.open(sealed, "x") == b"a secret"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal(b"a secret", "x"))


def test_a_secret_has_one_name_that_changes_with_it_and_with_the_key() -> None:
    vault = sealing.Vault([KEY], NAMING)
    assert vault.name("hunter22") == sealing.Vault([OTHER], NAMING).name("hunter22")
    assert vault.name("hunter22") != vault.name("hunter23")
    assert vault.name("hunter22") != sealing.Vault([KEY], OTHER).name("hunter22")


def test_keys_are_made_on_first_use_for_the_owner_alone(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    sealed = open_vault(config).seal(b"a secret", "x")
    assert open_vault(config).open(sealed, "x") == b"a secret"
    for name in (keys.FILE, keys.NAMES):
        assert (data_dir / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (data_dir / "keys").iterdir()) == ["names.key", "vault.key"]


def test_those_who_come_at_once_make_one_key(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    with ThreadPoolExecutor(16) as pool:
        vaults = list(pool.map(lambda _: open_vault(config), range(16)))
    assert len({vault.current for vault in vaults}) == 1
    assert len({vault.name("x") for vault in vaults}) == 1


def test_a_key_that_others_can_read_is_refused(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    open_vault(config)
    (data_dir / "keys" / keys.FILE).chmod(0o644)
    with pytest.raises(VaultKeyUnusable, match="chmod 600"):
        open_vault(config)


@pytest.mark.parametrize("text", [b"", b"not base64!", b64encode(b"short")])
def test_a_file_without_a_key_is_said_to_be_none(data_dir: Path, text: bytes) -> None:
    config = Config(data_dir=data_dir)
    open_vault(config)
    (data_dir / "keys" / keys.FILE).write_bytes(text)
    with pytest.raises(VaultKeyUnusable, match=r"vault\.key"):
        open_vault(config)


def test_a_new_key_seals_and_the_old_one_opens_until_it_is_dropped(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    old = open_vault(config).seal(b"a secret", "x")
    add_key(config)
    vault = open_vault(config)
    assert (vault.open(old, "x"), vault.is_current(old)) == (b"a secret", False)
    resealed = vault.seal(b"a secret", "x")
    assert drop_old_keys(config) == 1
    assert open_vault(config).open(resealed, "x") == b"a secret"
    with pytest.raises(SealBroken):
        open_vault(config).open(old, "x")
    assert drop_old_keys(config) == 0


def test_the_key_may_come_from_the_settings_and_the_file_still_opens(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    old = open_vault(config).seal(b"a secret", "x")
    given = replace(config, vault=Vault(key=b64encode(OTHER).decode()))
    vault = open_vault(given)
    assert vault.open(old, "x") == b"a secret"
    sealed = vault.seal(b"a secret", "x")
    moved = replace(config, vault=Vault(key=b64encode(KEY).decode(), old_key=b64encode(OTHER).decode()))
    assert open_vault(moved).open(sealed, "x") == b"a secret"
    with pytest.raises(ConfigError, match=r"vault\.old_key"):
        add_key(given)
    with pytest.raises(VaultKeyUnusable, match=r"vault\.key holds no key"):
        open_vault(replace(config, vault=Vault(key="short")))


class Drawer(KeyringBackend):
    """A keyring of this process."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


def test_the_key_may_be_in_the_systems_keyring(data_dir: Path) -> None:
    before, drawer = keyring.get_keyring(), Drawer()
    keyring.set_keyring(drawer)
    try:
        config = Config(data_dir=data_dir, vault=Vault(keyring=True))
        sealed = open_vault(config).seal(b"a secret", "x")
        assert open_vault(config).open(sealed, "x") == b"a secret"
    finally:
        keyring.set_keyring(before)
    assert list(drawer.held) == [("rookery", str(data_dir))]
    assert not (data_dir / "keys" / keys.FILE).exists()


def test_a_system_without_a_keyring_says_so(data_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rookery.base.config import Config, Vault;"
        "from rookery.mechanisms.vault.keys import open_vault;"
        "open_vault(Config(data_dir=Path(sys.argv[1]), vault=Vault(keyring=True)))"
    )
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(data_dir)], capture_output=True, text=True, env=environment
    )
    assert "VaultKeyUnusable: The system's keyring" in done.stderr
