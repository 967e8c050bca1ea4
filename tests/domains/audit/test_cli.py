"""`rookery audit`, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.domains.audit.conftest import StoredChain
from tests.forked import Forge

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path, data_dir: Path, forge: Forge) -> Run:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}

    def rookery(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["--data-dir", str(data_dir), "audit", *arguments]
        return forge.run(command, env=environ, cwd=tmp_path)

    return rookery


@pytest.fixture
def chain(sqlite_url: str, data_dir: Path) -> StoredChain:
    stored = StoredChain(sqlite_url, data_dir)
    stored.engine.dispose()
    return stored


def test_an_empty_log_says_so(run: Run) -> None:
    done = run("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No entries" in done.stderr
    assert run("verify").stdout.startswith("intact: 0 entries")


def test_list_pages_filters_and_speaks_json(run: Run, chain: StoredChain) -> None:
    page = json.loads(run("list", "--json", "--limit", "2").stdout)
    assert [item["position"] for item in page["items"]] == [20, 19]
    assert page["next"] == "19"
    lines = run("list", "--jsonl", "--before", "19", "--limit", "3").stdout.splitlines()
    assert [json.loads(line)["position"] for line in lines] == [18, 17, 16]
    only = json.loads(run("list", "--json", "--object", "run 7", "--type", "scan.started").stdout)
    assert [item["position"] for item in only["items"]] == [7]
    assert json.loads(run("list", "--json", "--until", "2020-01-01").stdout)["items"] == []
    assert len(json.loads(run("list", "--json", "--since", "2020-01-01").stdout)["items"]) == 20


def test_a_type_that_nobody_knows_is_misspelt_and_not_an_empty_log(run: Run, chain: StoredChain) -> None:
    misspelt = run("list", "--type", "note.adde")
    assert (misspelt.returncode, "the nearest one is 'note.added'" in misspelt.stderr) == (2, True)
    assert run("list", "--type", "note.added").stderr == "No entry fits.\n"
    assert run("list", "--actor", "nobody").stderr == "No entry fits.\n"


def test_show_prints_an_entry_and_its_details(run: Run, chain: StoredChain) -> None:
    entry = json.loads(run("list", "--json", "--limit", "1").stdout)["items"][0]
    assert json.loads(run("show", entry["id"], "--json").stdout) == entry
    assert "details.count    1" in run("show", entry["id"]).stdout
    assert run("show", "20", "--json").stdout == run("show", entry["id"], "--json").stdout
    missing = run("show", "nobody")
    assert missing.returncode == 5
    assert missing.stderr.startswith("rookery: There is no audit entry")


def test_verify_fails_with_status_1_and_names_the_first_bad_entry(run: Run, chain: StoredChain) -> None:
    assert run("verify").returncode == 0
    chain.tamper("UPDATE audit_entry SET actor = 'mallory' WHERE position IN (7, 9)")
    chain.engine.dispose()
    done = run("verify")
    assert done.returncode == 1
    assert "entry 7 (" in done.stderr
    assert "(and 1 more)" in done.stderr
    verdict = json.loads(run("verify", "--json").stdout)
    assert verdict["is_intact"] is False
    assert [problem["position"] for problem in verdict["problems"]] == [7, 9]


def test_an_export_verifies_elsewhere_with_the_public_key_alone(
    run: Run, chain: StoredChain, data_dir: Path, tmp_path: Path
) -> None:
    file, key = tmp_path / "log.jsonl", tmp_path / "audit.pub"
    assert run("export", "--jsonl", "-o", str(file)).returncode == 0
    key.write_bytes((data_dir / "keys" / "audit.pub").read_bytes())
    elsewhere = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "empty"), "audit", "verify"]
    options = [[], ["--key", str(key)]]
    for option in options:
        done = subprocess.run([*elsewhere, "--file", str(file), *option], capture_output=True, text=True)
        assert (done.returncode, done.stdout[:18]) == (0, "intact: 20 entries"), done.stderr
        assert ("No public key is trusted here" in done.stderr) is (not option)
    file.write_text(file.read_text().replace('"run 7"', '"run 8"'))
    done = subprocess.run(
        [*elsewhere, "--file", str(file), "--key", str(key)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "entry 7 (" in done.stderr


def test_prune_asks_first_and_never_without_an_answer(run: Run, chain: StoredChain) -> None:
    unasked = run("prune", "--before", "2100-01-01")
    assert (unasked.returncode, "[y/N]" in unasked.stderr) == (2, False)
    assert "--yes" in unasked.stderr
    assert len(json.loads(run("list", "--json").stdout)["items"]) == 20
    assert json.loads(run("prune", "--before", "2100-01-01", "--yes", "--json").stdout) == {"removed": 20}
    assert run("verify").stdout.startswith("intact: 1 entry")


@pytest.mark.parametrize("position", ["-1", "9" * 30])
def test_a_position_that_no_log_has_is_a_usage_error(run: Run, position: str) -> None:
    done = run("list", "--before", position)
    assert (done.returncode, "is no position in the log" in done.stderr) == (2, True)


def test_a_date_that_is_none_is_a_usage_error(run: Run) -> None:
    done = run("list", "--since", "yesterday")
    assert done.returncode == 2
    assert "write 2026-11-22" in done.stderr
