"""`rookery schedules`, as a person and a program meet it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rookery import app
from rookery.demo import WeakServer
from tests.journeys.conftest import Rookery
from tests.patience import wait_for
from tests.workers import working

CRON = ("--cron", "0 3 * * *", "--zone", "Europe/Berlin")
NOTE = ("--task", "findings.import", "--payload", '{"path": "/srv/findings.jsonl"}')


def listed(rookery: Rookery) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(rookery("schedules", "list", "--json").stdout)["items"]
    return items


def test_a_schedule_is_made_looked_at_changed_and_removed(rookery: Rookery) -> None:
    empty = rookery("schedules", "list")
    assert (empty.stdout, "rookery schedules add" in empty.stderr) == ("", True)
    assert rookery("schedules", "list", "--json").stdout.split() == [
        "{",
        '"items":',
        "[],",
        '"next":',
        "null",
        "}",
    ]
    made = rookery("schedules", "add", "import", *CRON, *NOTE, "--jitter", "5m", "--json")
    assert made.returncode == 0
    assert json.loads(made.stdout) == listed(rookery)[0]
    assert json.loads(made.stdout)["timing"] == {"type": "cron", "line": "0 3 * * *", "zone": "Europe/Berlin"}
    assert "No worker runs" in made.stderr
    assert rookery("schedules", "add", "import", *CRON, *NOTE).returncode == 6
    lines = rookery("schedules", "list").stdout.splitlines()
    assert lines[1].split()[:7] == ["import", "0", "3", "*", "*", "*", "Europe/Berlin"]
    shown = rookery("schedules", "show", "import").stdout
    assert "At 03:00 every day" in shown
    assert 'payload    {"path":"/srv/findings.jsonl"}' in shown
    changed = rookery("schedules", "update", "import", "--zone", "Asia/Tokyo", "--overlap", "allow")
    assert "0 3 * * * Asia/Tokyo; next due: " in changed.stderr
    assert " 03:00 JST" in rookery("schedules", "next", "import", "-n", "1").stdout
    rookery("schedules", "disable", "import")
    assert "disabled" in rookery("schedules", "list").stdout
    assert "next due: 20" in rookery("schedules", "enable", "import").stderr
    assert rookery("schedules", "remove", "import").returncode == 2
    assert rookery("schedules", "remove", "import", "--yes").returncode == 0
    assert rookery("schedules", "show", "import").returncode == 5


def test_due_times_are_shown_before_there_is_a_schedule(rookery: Rookery) -> None:
    found = rookery(
        "schedules", "next", "--cron", "30 2 29 3 *", "--zone", "Europe/Berlin", "-n", "1", "--json"
    )
    (due,) = json.loads(found.stdout)["items"]
    assert due[4:] in {"-03-29T00:30:00Z", "-03-29T01:30:00Z", "-03-29T01:00:00Z"}
    assert rookery("schedules", "next").returncode == 2
    once = rookery("schedules", "next", "--at", "2099-01-01T12:00", "--zone", "Asia/Tokyo")
    assert once.stdout == "2099-01-01 12:00 JST\n"


@pytest.mark.parametrize(
    ("arguments", "complaint", "status"),
    [
        (NOTE, "Say when it is due", 2),
        (CRON, "Say what it does", 2),
        ((*CRON, "--every", "6h", *NOTE), "exclude each other", 2),
        (("--cron", "0 25 * * *", *NOTE), "'25' is no hour; that is 0 to 23", 2),
        (("--every", "6", *NOTE), "write 30s, 15m, 6h, 1d or 1h30m", 2),
        (("--every", "0s", *NOTE), "from a second to ten years", 2),
        (("--at", "tomorrow", *NOTE), "write 2026-12-01T03:00", 2),
        (("--at", "2020-01-01T03:00", *NOTE), "never be due", 2),
        (("--at", "2027-03-28T02:30", "--zone", "Europe/Berlin", *NOTE), "leave 02:30 out", 2),
        (("--every", "6h", "--zone", "Berlin", *NOTE), "did you mean Europe/Berlin", 2),
        (("--every", "6h", "--task", "scan.run"), "did you mean scans.run", 2),
        (("--every", "6h", "--task", "findings.import", "--payload", "{"), "no JSON", 2),
        (("--every", "6h", "--task", "findings.import", "--payload", "@nowhere"), "No such file", 2),
        (("--every", "6h", "--task", "findings.import", "--payload", "{}"), "missing required field", 2),
        (("--every", "6h", "--scan", "127.0.0.1", *NOTE), "not both", 2),
        (("--every", "6h", *NOTE, "--tags", "cve"), "give --scan or --project", 2),
        (("--every", "6h", "--scan", "192.0.2.1"), "rookery scope add 192.0.2.1", 3),
        (("--every", "6h", "--project", "web"), "rookery projects create web", 5),
        (("--every", "6h", "--scan", "127.0.0.1", "-t", "nowhere.yaml"), "no template file", 5),
        (("--every", "6h", "--missed", "all", *NOTE), "let the schedule overlap", 2),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said_in_one_line(
    rookery: Rookery, arguments: tuple[str, ...], complaint: str, status: int
) -> None:
    refused = rookery("schedules", "add", "nightly", *arguments)
    assert complaint in refused.stderr
    assert (refused.returncode, refused.stderr.count("\n")) == (status, 1)


def test_a_payload_is_read_from_a_file_or_standard_input(rookery: Rookery, tmp_path: Path) -> None:
    (tmp_path / "payload.json").write_text('{"path": "/srv/one"}')
    task = ("--every", "6h", "--task", "findings.import", "--payload")
    rookery("schedules", "add", "one", *task, "@payload.json")
    rookery("schedules", "add", "two", *task, "-", stdin='{"path": "/srv/two"}')
    assert [each["payload"]["path"] for each in listed(rookery)] == ["/srv/one", "/srv/two"]


def test_a_scan_is_scheduled_and_a_worker_runs_it(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    """Its relative paths are kept absolute: a worker has another folder to be in."""
    (tmp_path / "mine").mkdir()
    scan = ("--scan", weak_server.url, "--severity", "critical", "--et", "mine")
    assert rookery("schedules", "add", "often", "--every", "1s", *scan).returncode == 0
    with app.open(tmp_path / "data", actor="tester") as rook:
        with working(rook):
            wait_for(lambda: any(run.status == "completed" for run in rook.scans.runs()))
            assert "No worker" not in rookery("schedules", "list").stderr
            rook.schedules.disable("often")
        history = rook.schedules.history("often")
        assert "fired" in {each.outcome for each in history}
        assert {each.outcome for each in history} <= {"fired", "overlapped"}
        task_id = rook.schedules.get("often").last_task_id
    again = rookery("schedules", "run", "often")
    assert again.stdout.strip() not in {"", task_id}
    assert rookery("schedules", "run", "often").returncode == 6
    shown = rookery("schedules", "show", "often").stdout
    assert "(by hand)" in shown
    assert f'"endpoints":["{weak_server.url}"]' in shown


def test_a_project_is_scanned_with_the_endpoints_that_it_has_by_then(
    rookery: Rookery, weak_server: WeakServer
) -> None:
    rookery("endpoints", "add", weak_server.url)
    assert rookery("schedules", "add", "project", "--every", "1d", "--project", "default").returncode == 0
    assert listed(rookery)[0]["payload"]["endpoints"] == []


def test_backups_and_logins_are_scheduled_by_a_filter(rookery: Rookery) -> None:
    made = rookery("schedules", "add", "backups", *CRON, "--backup", "tag:core", "--json")
    document = json.loads(made.stdout)
    assert (document["task_type"], document["payload"]) == ("backups.run", {"filter": "tag:core"})
    assert rookery("schedules", "add", "up", *CRON, "--reach", "").returncode == 0
    assert rookery("schedules", "run", "up").returncode == 0
    made = rookery("schedules", "add", "checks", *CRON, "--check", "tag:core", "--severity", "high", "--json")
    document = json.loads(made.stdout)
    assert (document["task_type"], document["payload"]["endpoints"]) == ("scans.check", ["device:tag:core"])
    assert rookery("schedules", "add", "y", *CRON, "--check", "", "--backup", "").returncode == 2
    both = rookery("schedules", "add", "x", *CRON, "--backup", "", "--scan", "http://127.0.0.1")
    assert (both.returncode, "one of these" in both.stderr) == (2, True)
