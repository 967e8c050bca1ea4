"""The exported log verifies without the database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rookery.domains.audit.errors import NotAnExport
from rookery.domains.audit.exporting import ExportedLog, export
from rookery.domains.audit.keys import Keyring, trusted_keys
from rookery.domains.audit.reading import stored_log
from rookery.domains.audit.service import AuditService
from rookery.domains.audit.verdict import Verification
from rookery.domains.audit.verification import verify
from tests.domains.audit.conftest import StoredChain


class Exported:
    """An exported file, as a list of JSON documents that can be changed."""

    def __init__(self, stored: StoredChain, path: Path) -> None:
        self.keys = trusted_keys(stored.data_dir / "keys")
        with stored_log(stored.engine, stored.witness) as log, path.open("wb") as file:
            self.entries = export(log, self.keys, file)
        self.path = path
        self.lines = path.read_bytes().splitlines()

    def change(self, line: int, **fields: Any) -> None:
        self.lines[line] = json.dumps(json.loads(self.lines[line]) | fields, separators=(",", ":")).encode()

    def verify(self, keys: Keyring | None = None) -> Verification:
        self.path.write_bytes(b"\n".join(self.lines) + b"\n")
        log = ExportedLog(self.path)
        return verify(log, self.keys if keys is None else keys)


@pytest.fixture
def exported(stored: StoredChain, tmp_path: Path) -> Exported:
    return Exported(stored, tmp_path / "log.jsonl")


def test_an_untouched_export_verifies_with_the_public_key(exported: Exported) -> None:
    verdict = exported.verify()
    assert verdict.problems == ()
    assert (verdict.entries, verdict.checkpoints, exported.entries) == (20, 4, 20)


def test_the_keys_within_prove_that_the_file_is_consistent(exported: Exported) -> None:
    assert exported.verify(ExportedLog(exported.path).keyring()).is_intact


def test_another_key_does_not_verify_it(exported: Exported) -> None:
    assert not exported.verify(Keyring([])).is_intact


@pytest.mark.parametrize(
    "fields",
    [{"actor": "mallory"}, {"at_us": 5}, {"details": {"count": 2}}, {"position": 99}, {"hash": "no hex"}],
)
def test_an_edited_line_is_found(exported: Exported, fields: dict[str, Any]) -> None:
    exported.change(7, **fields)
    assert exported.verify().problems[0].position == 7


def test_a_removed_line_is_found(exported: Exported) -> None:
    del exported.lines[7]
    assert [problem.message for problem in exported.verify().problems] == ["entry 7 is missing: deleted"]


def test_lines_in_another_order_are_found(exported: Exported) -> None:
    exported.lines[7], exported.lines[8] = exported.lines[8], exported.lines[7]
    assert not exported.verify().is_intact


def test_an_end_cut_off_with_its_checkpoints_is_found_by_the_witness_within(exported: Exported) -> None:
    exported.lines = [*exported.lines[:16], *exported.lines[21:24]]
    assert [problem.kind for problem in exported.verify().problems] == ["truncated"]


def test_an_edited_witness_or_checkpoint_is_found(exported: Exported) -> None:
    first = json.loads(exported.lines[0])
    exported.change(0, witness=first["witness"] | {"size": 15})
    exported.change(22, at_us=5)
    assert {problem.kind for problem in exported.verify().problems} == {"checkpoint"}


def test_a_tampered_log_is_exported_as_it_is_and_found_out_there(stored: StoredChain, tmp_path: Path) -> None:
    stored.tamper("UPDATE audit_entry SET details = '{,}' WHERE position = 9")
    stored.tamper(
        "UPDATE audit_entry SET object = 'a' || X'0A' || 'b', at_us = -5 WHERE position = 7"
        if stored.engine.dialect.name == "sqlite"
        else "UPDATE audit_entry SET object = E'a\\nb', at_us = -5 WHERE position = 7"
    )
    problems = Exported(stored, tmp_path / "log.jsonl").verify().problems
    assert [(problem.kind, problem.position) for problem in problems] == [("edited", 7), ("edited", 9)]


def test_a_pruned_log_is_exported_with_its_beginning(stored: StoredChain, tmp_path: Path) -> None:
    with AuditService(stored.url, stored.data_dir) as service:
        service.prune(datetime.now(UTC), actor="alice")
    verdict = Exported(stored, tmp_path / "log.jsonl").verify()
    assert verdict.problems == ()
    assert verdict.entries == 1


Damage = Callable[[list[bytes]], None]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: lines.clear(), "line 1"),
        (lambda lines: lines.pop(0), "does not begin"),
        (lambda lines: lines.__setitem__(0, lines[0].replace(b"audit 1", b"audit 2")), "format"),
        (lambda lines: lines.__setitem__(3, b"garbage"), "line 4"),
        (lambda lines: lines.__setitem__(3, b'{"kind":"entry"}'), "line 4"),
        (lambda lines: lines.__setitem__(3, b"[" * 100_000), "line 4"),
        (lambda lines: lines.__setitem__(3, b"x" * 3_000_000), "line 4"),
        (lambda lines: lines.__setitem__(3, b"\xff\xfe"), "line 4"),
    ],
)
def test_what_is_no_export_is_refused_with_the_line(exported: Exported, damage: Damage, message: str) -> None:
    damage(exported.lines)
    with pytest.raises(NotAnExport, match=message):
        exported.verify()


def test_an_empty_log_exports_and_verifies(sqlite_url: str, data_dir: Path, tmp_path: Path) -> None:
    with AuditService(sqlite_url, data_dir) as service:
        file = io.BytesIO()
        assert service.export(file) == 0
    path = tmp_path / "log.jsonl"
    path.write_bytes(file.getvalue())
    assert verify(ExportedLog(path), Keyring([])).is_intact
