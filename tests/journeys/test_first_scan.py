"""From nothing to a finding and a proof of who did it, through the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from rookery.demo import WeakServer
from rookery.demo.cli import PORT
from tests.journeys.conftest import Rookery
from tests.patience import PATIENCE


def test_a_scan_stores_findings_and_the_audit_log_says_who_ran_it(
    rookery: Rookery, weak_server: WeakServer
) -> None:
    scan = rookery("scan", weak_server.url)
    assert scan.returncode == 0
    assert "Git repository exposed" in scan.stdout
    listed = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert len(listed) == len(scan.stdout.splitlines())
    entries = json.loads(rookery("audit", "list", "--json").stdout)["items"]
    types = [entry["event_type"] for entry in entries]
    assert types == ["scan.finished", "findings.appeared", "scan.started"]
    assert {entry["actor"] for entry in entries} == {_me()}
    assert rookery("audit", "verify").returncode == 0


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def test_jsonl_has_one_line_for_each_finding_whose_id_can_be_shown(
    rookery: Rookery, weak_server: WeakServer
) -> None:
    rows = [json.loads(line) for line in rookery("scan", weak_server.url, "--jsonl").stdout.splitlines()]
    wanted = {"template_id", "name", "severity", "target", "matched_at", "extracted", "finding_id"}
    assert rows
    assert all(wanted <= row.keys() for row in rows)
    shown = json.loads(rookery("findings", "show", rows[0]["finding_id"], "--json").stdout)
    assert shown["template_id"] == rows[0]["template_id"]
    assert shown["matched_at"] == rows[0]["matched_at"]


def test_scanning_twice_finds_the_same_findings(rookery: Rookery, weak_server: WeakServer) -> None:
    first = json.loads(rookery("scan", weak_server.url, "--json").stdout)
    second = json.loads(rookery("scan", weak_server.url, "--json").stdout)
    assert {row["finding_id"] for row in first["items"]} == {row["finding_id"] for row in second["items"]}
    assert first["run"]["run_id"] != second["run"]["run_id"]
    stored = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert {finding["run_count"] for finding in stored} == {2}


@pytest.mark.parametrize(("fail_on", "status"), [("critical", 8), ("low", 8)])
def test_fail_on_tells_a_pipeline(
    rookery: Rookery, weak_server: WeakServer, fail_on: str, status: int
) -> None:
    assert rookery("scan", weak_server.url, "--fail-on", fail_on).returncode == status


def test_fail_on_is_content_with_less(rookery: Rookery, weak_server: WeakServer) -> None:
    scan = rookery("scan", weak_server.url, "--severity", "info,low", "--fail-on", "high")
    assert (scan.returncode, bool(scan.stdout)) == (0, True)


def test_what_is_dismissed_fails_no_pipeline(rookery: Rookery, weak_server: WeakServer) -> None:
    scan = ("scan", weak_server.url, "--severity", "critical", "--fail-on", "high")
    assert rookery(*scan).returncode == 8
    dismissal = ("--state", "false_positive", "--reason", "a lab", "--yes")
    rookery("findings", "triage", "--filter", "template:spring-actuator-heapdump", *dismissal)
    assert rookery(*scan).returncode == 8
    rookery("findings", "triage", "--filter", "sev:critical", *dismissal)
    assert rookery(*scan).returncode == 0


def test_a_target_outside_the_scope_is_refused_with_the_command_that_would_allow_it(rookery: Rookery) -> None:
    refused = rookery("scan", "http://192.0.2.7/")
    assert refused.returncode == 3
    assert refused.stderr.strip().endswith("rookery scope add 192.0.2.7")
    assert "scan.refused" in rookery("audit", "list").stdout


def test_the_scope_is_kept_and_every_change_is_audited(rookery: Rookery) -> None:
    assert rookery("scope", "add", "192.0.2.0/24", "*.lab.example").returncode == 0
    assert rookery("scope", "add", "192.0.2.0/24").returncode == 6
    assert rookery("scope", "remove", "*.lab.example").returncode == 0
    assert rookery("scope", "remove", "*.lab.example").returncode == 5
    [entry] = json.loads(rookery("scope", "list", "--json").stdout)["items"]
    assert (entry["entry"], entry["added_by"]) == ("192.0.2.0/24", _me())
    log = json.loads(rookery("audit", "list", "--json").stdout)["items"]
    assert [row["event_type"] for row in log] == ["scope.removed", "scope.added", "scope.added"]


@pytest.mark.parametrize(
    ("target", "status", "says"),
    [
        ("ftp://127.0.0.1", 2, "only http:// and https:// URLs"),
        ("http://127.0.0.1:99999", 2, "not a URL"),
        ("http://", 2, "not a URL"),
    ],
)
def test_a_wrong_url_is_one_clear_line(rookery: Rookery, target: str, status: int, says: str) -> None:
    scan = rookery("scan", target)
    assert (scan.returncode, len(scan.stderr.splitlines())) == (status, 1)
    assert says in scan.stderr


def test_a_dead_host_is_one_clear_line_and_a_failure(rookery: Rookery) -> None:
    scan = rookery("scan", f"http://127.0.0.1:{_dead_port()}")
    assert scan.returncode == 1
    [line] = [line for line in scan.stderr.splitlines() if line.startswith("error:")]
    assert "refused" in line


def test_a_dead_host_does_not_cost_the_living_one_its_findings(
    rookery: Rookery, weak_server: WeakServer
) -> None:
    scan = rookery("scan", f"http://127.0.0.1:{_dead_port()}", weak_server.url)
    assert scan.returncode == 4
    assert "Git repository exposed" in scan.stdout


def _dead_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_targets_can_come_from_standard_input(rookery: Rookery, weak_server: WeakServer) -> None:
    for given in (("-",), ("-l", "-")):
        assert rookery("scan", *given, "--severity", "critical", stdin=f"{weak_server.url}\n").stdout
    assert rookery("scan", "-").returncode == 2


def test_what_is_wrong_with_a_template_is_said_and_the_others_run(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "broken.yaml").write_text("id: [")
    (folder / "headless.yaml").write_text(
        "id: with-browser\ninfo: {name: n, author: a, severity: info}\nheadless:\n- steps: []\n"
    )
    (folder / "good.yaml").write_text(
        "id: alive\ninfo: {name: It answers, author: a, severity: info}\n"
        "http:\n- method: GET\n  path: ['{{BaseURL}}/']\n  matchers:\n  - {type: status, status: [200]}\n"
    )
    scan = rookery("scan", weak_server.url, "-t", str(folder))
    assert scan.returncode == 0
    assert "It answers" in scan.stdout
    assert "broken.yaml invalid: line" in scan.stderr
    assert "headless" in scan.stderr
    assert rookery("scan", weak_server.url, "-t", str(folder / "broken.yaml")).returncode == 2
    assert rookery("scan", weak_server.url, "-t", str(tmp_path / "nothing")).returncode == 5


def test_a_selection_that_leaves_no_template_says_so(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    scan = rookery("scan", weak_server.url, "--severity", "unknown")
    assert scan.returncode == 2
    assert "No template is left to run" in scan.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_keep_what_was_found(
    weak_server: WeakServer,
    environment: dict[str, str],
    tmp_path: Path,
    rookery: Rookery,
    number: signal.Signals,
    status: int,
) -> None:
    slow = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), "scan", weak_server.url]
    scan = subprocess.Popen(
        [*slow, "--rate-limit", "8", "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert scan.stdout is not None
    first = json.loads(scan.stdout.readline())
    scan.send_signal(number)
    _, said = scan.communicate(timeout=PATIENCE)
    assert scan.returncode == status
    assert "Interrupted" in said
    assert "Traceback" not in said
    kept = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert first["finding_id"] in {finding["id"] for finding in kept}
    log = json.loads(rookery("audit", "list", "--json").stdout)["items"]
    assert log[0]["details"]["status"] == "interrupted"


def test_kill_9_in_the_middle_of_a_scan_loses_no_finding_that_was_shown(
    weak_server: WeakServer, environment: dict[str, str], tmp_path: Path, rookery: Rookery
) -> None:
    """A finding is in the crash-safe queue before it is printed; the next command delivers it."""
    slow = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), "scan", weak_server.url]
    with subprocess.Popen(
        [*slow, "--rate-limit", "30", "--jsonl"], stdout=subprocess.PIPE, text=True, env=environment
    ) as scan:
        assert scan.stdout is not None
        shown = {json.loads(scan.stdout.readline())["finding_id"] for _ in range(5)}
        scan.kill()
    kept = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert shown <= {finding["id"] for finding in kept}
    assert rookery("audit", "verify").returncode == 0


def test_the_demo_shows_findings_and_verifies_the_log(rookery: Rookery) -> None:
    demo = rookery("demo", "--port", "0")
    assert demo.returncode == 0
    assert "Git repository exposed" in demo.stdout
    assert "+ transport input telnet ssh" in demo.stdout
    assert "Telnet is allowed on terminal lines" in demo.stdout
    assert "intact" in demo.stderr
    assert "Now try:" in demo.stderr
    tasks = json.loads(rookery("tasks", "list", "--json").stdout)["items"]
    assert {(task["type"], task["status"]) for task in tasks} == {("scans.run", "completed")}  # by its worker


def test_the_demo_takes_another_port_where_its_own_is_taken_and_none_was_asked_for(rookery: Rookery) -> None:
    with socket.socket() as taken:
        with suppress(OSError):  # somebody else has it: just as good
            taken.bind(("127.0.0.1", PORT))
            taken.listen()
        assert rookery("demo").returncode == 0
        refused = rookery("demo", "--port", str(PORT))
    assert (refused.returncode, "Address already in use; try --port 0" in refused.stderr) == (2, True)


def test_a_finished_scan_leaves_no_spool_and_no_cursor_behind(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    assert rookery("scan", weak_server.url).returncode == 0
    assert not list((tmp_path / "data" / "spool").rglob("*.seg"))
    with closing(sqlite3.connect(tmp_path / "data" / "rookery.db")) as database:
        assert database.execute("SELECT count(*) FROM writebehind_cursor").fetchone() == (0,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_kept_demo_serves_until_it_is_told_to_stop(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path), "demo", "--port", "0", "--keep"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as demo:
        assert demo.stderr is not None
        said = iter(demo.stderr.readline, "")
        assert any("until Ctrl-C" in line for line in said)
        demo.send_signal(number)
        assert [line.strip() for line in said if line.strip()] == ["The web server has stopped."]
    assert demo.returncode == 0
