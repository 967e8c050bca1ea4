"""`rookery findings`, as a user meets it: import, list, triage, export; wrong words, and nothing there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def findings(cli: Cli, data_dir: Path) -> Cli:
    """`findings("list")` runs `rookery findings list` on the test's own data directory."""
    return lambda *arguments: cli("--data-dir", str(data_dir), "findings", *arguments)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    info = {"name": "A page", "severity": "high"}
    record = {"template-id": "a", "info": info, "type": "http", "matched-at": "http://127.0.0.1/a"}
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(record) + "\nnot JSON\n")
    return path


def test_from_import_over_triage_to_export(findings: Cli, results: Path, tmp_path: Path) -> None:
    imported = findings("import", str(results), "--json")
    assert imported.returncode == 4  # one line was none
    assert json.loads(imported.stdout)["new"] == 1
    [found] = json.loads(findings("list", "sev>=high", "--json").stdout)["items"]
    assert findings("triage", found["id"][:13], "--state", "false_positive").returncode == 2
    decided = findings("triage", "--filter", "sev:high", "--state", "triaged", "--yes")
    assert (decided.returncode, "1 of 1" in decided.stderr) == (0, True)
    report = tmp_path / "report.html"
    assert findings("export", "--format", "html", "-o", str(report)).returncode == 0
    assert "A page" in report.read_text()


def test_a_bulk_change_needs_a_yes_where_nobody_can_be_asked(findings: Cli, results: Path) -> None:
    findings("import", str(results))
    refused = findings("assign", "--filter", "sev:high", "--to", "ann")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)


def test_what_is_wrong_is_one_line_that_says_what_would_be_right(findings: Cli) -> None:
    refused = findings("list", "sevv:high")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "did you mean sev" in refused.stderr
    assert "No findings yet" in findings("list").stderr
