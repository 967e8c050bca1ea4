"""Large logs are verified in parts, by several processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.base.clock import from_us
from rookery.domains.audit import parts
from rookery.domains.audit.keys import trusted_keys
from rookery.domains.audit.reading import driver_url, stored_log
from rookery.domains.audit.service import AuditService
from rookery.domains.audit.verdict import Verification
from tests.domains.audit.conftest import StoredChain


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty entries are large enough for four processes here."""
    monkeypatch.setattr(parts, "SMALLEST", 5)
    monkeypatch.setattr(parts, "cores", lambda: 4)


def in_parts(stored: StoredChain) -> Verification | None:
    """What the parts say together; None when they leave it to one process."""
    keys = trusted_keys(stored.data_dir / "keys")
    url = driver_url(stored.engine.url)
    with stored_log(stored.engine, stored.witness) as log:
        return parts.verify_together(log, keys, url)


def verdict(stored: StoredChain) -> Verification:
    with AuditService(stored.url, stored.data_dir) as service:
        return service.verify()


def test_the_parts_say_what_one_process_says(stored: StoredChain) -> None:
    assert in_parts(stored) == stored.verify()


def test_no_module_of_the_current_directory_is_run(
    stored: StoredChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write where an auditor happens to stand must not be the one who verifies."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path)
    assert in_parts(stored) == stored.verify()


def test_a_pruned_log_too(stored: StoredChain) -> None:
    with stored.engine.connect() as connection:
        eighth = connection.exec_driver_sql("SELECT at_us FROM audit_entry WHERE position = 8").scalar_one()
    with AuditService(stored.url, stored.data_dir) as service:
        assert service.prune(from_us(eighth), actor="alice") <= 7
    stored.append(10)
    assert in_parts(stored) == stored.verify()


@pytest.mark.parametrize("position", [1, 3, 5, 6, 10, 11, 20])
def test_what_is_wrong_in_any_part_is_found(stored: StoredChain, position: int) -> None:
    stored.tamper(f"UPDATE audit_entry SET actor = 'mallory' WHERE position = {position}")
    assert in_parts(stored) is None
    assert [(problem.kind, problem.position) for problem in verdict(stored).problems] == [
        ("edited", position)
    ]


@pytest.mark.parametrize("position", [5, 6, 10, 20])
def test_entries_missing_where_parts_meet_are_found(stored: StoredChain, position: int) -> None:
    stored.tamper(f"DELETE FROM audit_entry WHERE position = {position}")
    assert in_parts(stored) is None
    assert not verdict(stored).is_intact


@pytest.mark.parametrize("size", [5, 10, 15, 20])
def test_checkpoints_missing_or_edited_where_parts_meet_are_found(stored: StoredChain, size: int) -> None:
    stored.tamper(f"UPDATE audit_checkpoint SET at_us = 5 WHERE size = {size}")
    assert not verdict(stored).is_intact
    stored.tamper(f"DELETE FROM audit_checkpoint WHERE size = {size}")
    assert not verdict(stored).is_intact


def test_a_cut_end_is_found(stored: StoredChain) -> None:
    stored.tamper(
        "DELETE FROM audit_entry WHERE position > 15", "DELETE FROM audit_checkpoint WHERE size > 15"
    )
    assert in_parts(stored) is None
    assert [problem.kind for problem in verdict(stored).problems] == ["truncated"]
