"""A scan that is broken off, however rudely: what it did is known, and the rest can be done later."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rookery.demo import WeakServer
from tests.journeys.conftest import Rookery

PATIENCE = 120.0  # seconds
CHECKS = 40


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Forty templates that each find something, with one request each."""
    folder = tmp_path / "checks"
    folder.mkdir()
    for number in range(CHECKS):
        (folder / f"{number:02}.yaml").write_text(
            f"id: check-{number:02}\ninfo: {{name: c, author: a, severity: info}}\n"
            f"http:\n- method: GET\n  path: ['{{{{BaseURL}}}}/{number}']\n"
            "  matchers:\n  - {type: status, status: [200, 404]}\n"
        )
    return folder


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(
    environment: dict[str, str], tmp_path: Path, weak_server: WeakServer, checks: Path
) -> Iterator[Start]:
    """Start a slow scan of the weak server; it is killed when the test ends, if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def scan(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), "scan", *options]
        started.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
            )
        )
        return started[-1]

    yield scan
    for process in started:
        process.kill()
        process.communicate()


@contextmanager
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{tmp_path}/data/rookery.db?mode=ro", uri=True)) as connection:
        yield connection


def wait_until_covered(tmp_path: Path, least: int) -> None:
    """Until a look at the database shows that so many checks are known to be done."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with database(tmp_path) as connection:
            [(done,)] = connection.execute("SELECT coalesce(sum(ok_count), 0) FROM run_coverage")
        if done >= least:
            return
        time.sleep(0.1)
    raise AssertionError(f"the scan has not covered {least} checks in {PATIENCE} seconds")


def only_run(rookery: Rookery) -> dict[str, Any]:
    [run] = json.loads(rookery("runs", "list", "--json").stdout)["items"]
    shown: dict[str, Any] = json.loads(rookery("runs", "show", run["id"], "--json").stdout)
    return shown


def done(run: dict[str, Any]) -> int:
    """How many checks of the one target came to their end."""
    return sum(covered["ok"] for covered in run["coverage"])


def assert_whole_once_resumed(rookery: Rookery, run: dict[str, Any]) -> None:
    """The rest, and only the rest, is asked; the run is complete, and so are its findings."""
    left = CHECKS - done(run)
    again = rookery("scan", "--resume", run["id"][:13], "--json")
    assert again.returncode == 0, again.stderr
    resumed = json.loads(again.stdout)
    assert len(resumed["items"]) == left
    assert (resumed["run"]["run_id"], resumed["run"]["success"]) == (run["id"], True)
    assert resumed["run"]["coverage"] == {"ok": CHECKS, "error": 0, "skipped": 0}
    assert only_run(rookery)["status"] == "completed"
    found = json.loads(rookery("findings", "list", "--limit", "100", "--json").stdout)["items"]
    assert {each["template_id"] for each in found} == {f"check-{number:02}" for number in range(CHECKS)}
    over = rookery("scan", "--resume", run["id"])
    assert (over.returncode, "nothing left to do" in over.stderr) == (6, True)


def test_a_scan_killed_in_the_middle_is_abandoned_and_can_be_resumed(
    rookery: Rookery, start: Start, weak_server: WeakServer, checks: Path, tmp_path: Path
) -> None:
    scan = start(weak_server.url, "-t", str(checks), "--rate-limit", "5", "--concurrency", "2", "--jsonl")
    assert scan.stdout is not None
    scan.stdout.readline()
    wait_until_covered(tmp_path, 5)
    scan.kill()
    scan.wait()
    with database(tmp_path) as connection:
        assert connection.execute("SELECT status FROM run").fetchall() == [("running",)]
    run = only_run(rookery)
    assert run["status"] == "abandoned"
    assert 5 <= done(run) < CHECKS
    shown = rookery("runs", "show", run["id"])
    assert f"rookery scan --resume {run['id'][:13]}" in shown.stderr
    log = json.loads(rookery("audit", "list", "--json").stdout)["items"]
    assert log[0]["event_type"] == "run.abandoned"
    assert_whole_once_resumed(rookery, run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_that_was_interrupted_knows_what_it_did_and_can_be_resumed(
    rookery: Rookery, start: Start, weak_server: WeakServer, checks: Path, number: signal.Signals
) -> None:
    scan = start(weak_server.url, "-t", str(checks), "--rate-limit", "5", "--concurrency", "2", "--jsonl")
    assert scan.stdout is not None
    first = json.loads(scan.stdout.readline())
    scan.send_signal(number)
    rest, said = scan.communicate(timeout=PATIENCE)
    run = only_run(rookery)
    assert f"rookery scan --resume {run['id'][:13]}" in said
    assert (run["status"], first["run_id"]) == ("interrupted", run["id"])
    assert run["findings"] == 1 + len(rest.splitlines())
    assert done(run) <= run["findings"] <= done(run) + 1, "one may have been found, and not be done"
    assert_whole_once_resumed(rookery, run)


def test_a_run_that_is_resumed_takes_no_other_plan(rookery: Rookery) -> None:
    for other in (["http://127.0.0.1:9"], ["-t", "checks"], ["--rate-limit", "5"]):
        refused = rookery("scan", "--resume", "019a0000-0000", *other)
        assert (refused.returncode, "leave out" in refused.stderr) == (2, True)
    assert rookery("scan", "--resume", "019a0000-0000", "--jsonl").returncode == 5
