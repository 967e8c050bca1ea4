"""The checkpoint that is kept outside the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from rookery.domains.audit.checkpoints import Checkpoint
from rookery.domains.audit.witness import Witness, witness_of


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(size, bytes(32), 5, bytes(range(32)), "0123456789abcdef", bytes(64))


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "audit" / "rookery.db.checkpoint")


def test_what_was_kept_is_read_again(witness: Witness) -> None:
    assert witness.read() is None
    witness.advance(checkpoint(7))
    assert witness.read() == checkpoint(7)


def test_it_only_ever_moves_forward(witness: Witness) -> None:
    """Of two processes that come back from their commits in the wrong order, the later commit stands."""
    witness.advance(checkpoint(9))
    witness.advance(checkpoint(8))
    assert witness.read() == checkpoint(9)


@pytest.mark.parametrize("content", ["", "rookery audit 1 checkpoint\nsize 7\n", "garbage" * 10_000, "\xff"])
def test_a_file_that_holds_no_whole_checkpoint_is_none_and_gets_replaced(
    witness: Witness, content: str
) -> None:
    witness.path.parent.mkdir()
    witness.path.write_text(content)
    assert witness.read() is None
    witness.advance(checkpoint(3))
    assert witness.read() == checkpoint(3)


def test_each_database_has_its_own_and_no_password_is_in_its_name(tmp_path: Path) -> None:
    urls = [
        "sqlite:////a/rookery.db",
        "sqlite:////a/other.db",
        "postgresql://u:secret@h/one",
        "postgresql://u:secret@h/two",
        "postgresql://u:secret@i/two",
    ]
    names = {witness_of(make_url(url), tmp_path).path.name for url in urls}
    assert len(names) == 5
    assert not any("secret" in name for name in names)
