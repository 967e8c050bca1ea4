"""The signing key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rookery.domains.audit.checkpoints import sign_checkpoint
from rookery.domains.audit.errors import KeyUnusable
from rookery.domains.audit.keys import PRIVATE, PUBLIC, Keyring, load_public, open_signer, trusted_keys
from rookery.domains.audit.rules import Head


def test_a_key_pair_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first, second = open_signer(folder), open_signer(folder)
    assert first.key_id == second.key_id
    assert (folder / PRIVATE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [PRIVATE, PUBLIC]


def test_the_public_key_verifies_what_the_private_one_signed_and_nothing_else(tmp_path: Path) -> None:
    signer = open_signer(tmp_path)
    keys = trusted_keys(tmp_path)
    signed = sign_checkpoint(signer, Head(), 1, None)
    assert keys.verifies(signed)
    assert signer.has_signed(signed)
    wrong: list[dict[str, Any]] = [{"size": 2}, {"signature": b"short"}, {"key_id": "?"}, {"head": "text"}]
    for change in wrong:
        assert not keys.verifies(signed._replace(**change))


def test_a_lost_public_key_is_made_again_from_the_private_one(tmp_path: Path) -> None:
    key_id = open_signer(tmp_path).key_id
    (tmp_path / PUBLIC).unlink()
    open_signer(tmp_path)
    assert key_id in Keyring([load_public(tmp_path / PUBLIC)])


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from rookery.domains.audit.keys import open_signer;"
        "sys.stdin.read(1); print(open_signer(Path(sys.argv[1])).key_id)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "keys")]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert len({child.communicate("x")[0] for child in children}) == 1


def test_a_key_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    open_signer(tmp_path)
    (tmp_path / PRIVATE).chmod(0o644)
    with pytest.raises(KeyUnusable, match=r"chmod 600 .*audit\.key"):
        open_signer(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PRIVATE).write_bytes(content)
    (tmp_path / PRIVATE).chmod(0o600)
    with pytest.raises(KeyUnusable, match=r"audit\.key"):
        open_signer(tmp_path)


# A public key with an algorithm nobody has assigned: well-formed, and yet nothing that can be read.
UNKNOWN = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2V4AyEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize("content", ["ssh-ed25519 AAAA", UNKNOWN])
def test_a_public_key_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.pub").write_text(content)
    with pytest.raises(KeyUnusable, match=r"other\.pub"):
        trusted_keys(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(KeyUnusable, match="keys"):
        open_signer(tmp_path / "keys")
