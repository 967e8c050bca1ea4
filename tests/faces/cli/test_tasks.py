"""`rookery tasks …` and `rookery queue health`, by whoever looks after the queue."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rookery import app
from rookery.domains.scans.plan import ScanPlan
from rookery.faces.cli.run import run
from tests.patience import wait_for
from tests.workers import ended, working

YESTERDAY, TOMORROW = (
    (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds") for days in (-1, 1)
)


class Said(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Typed = Callable[..., Said]


@pytest.fixture
def typed(sqlite_rook: app.Rook, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """What `rookery …` says and exits with, run in this process on the data directory of `sqlite_rook`."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run_it(*arguments: str) -> Said:
        capsys.readouterr()
        status = run(["--data-dir", str(data_dir), *arguments])
        return Said(status, *capsys.readouterr())

    yield run_it
    root.handlers, root.level = handlers, level


def left(rook: app.Rook, target: str) -> str:
    """The id of the task of a scan that is left to a worker."""
    return str(rook.scans.submit_scan_async(ScanPlan(endpoints=(target,))))


def test_what_has_failed_is_shown_with_its_reason_and_done_again_when_somebody_wants_it(
    sqlite_rook: app.Rook, typed: Typed, free_port: int
) -> None:
    task_id = left(sqlite_rook, f"127.0.0.1:{free_port}")
    with working(sqlite_rook):
        ended(sqlite_rook, task_id)
    watched = typed("tasks", "watch", task_id)
    assert watched.status == 1
    assert f"Have it done again: rookery tasks retry {task_id[:13]}" in watched.err
    facts = typed("tasks", "show", task_id[:13], "--traceback").out
    assert "error      ScanFailed: No target gave an answer." in facts
    assert "Traceback" in facts
    assert '"endpoints"' in facts
    assert "null" not in facts
    health = typed("queue", "health")
    assert (health.status, "1 task has failed for good" in health.err) == (1, True)

    again = typed("tasks", "retry", task_id)
    assert again.err == (
        f"{task_id[:13]} is to be done again.\n"
        "No worker is there to do it: start one with\n  rookery worker\n"
    )
    refused = typed("tasks", "retry", task_id)
    assert (refused.status, "is pending: only one that failed" in refused.err) == (6, True)


def test_tasks_are_listed_page_by_page_and_by_what_they_are(sqlite_rook: app.Rook, typed: Typed) -> None:
    assert typed("tasks", "list").err.startswith("No task has been submitted yet.")
    ids = [left(sqlite_rook, f"127.0.0.1:{port}") for port in (1, 2)]
    assert typed("tasks", "cancel", ids[0]).err == f"{ids[0][:13]} is cancelled.\n"
    assert "has ended already: it is cancelled" in typed("tasks", "cancel", ids[0][:20]).err

    def listed(*options: str) -> tuple[list[str], str | None]:
        page = typed("tasks", "list", "--json", *options).document
        return [task["id"] for task in page["items"]], page["next"]

    assert listed("--limit", "1") == ([ids[1]], ids[1])
    assert listed("--limit", "1", "--before", ids[1][:20]) == ([ids[0]], None)
    assert listed("--status", "cancelled", "--status", "failed") == ([ids[0]], None)
    assert listed("--type", "findings.import") == ([], None)
    assert listed("--parent", ids[0]) == ([], None)
    assert "There are more: --before" in typed("tasks", "list", "--limit", "1").err
    assert typed("tasks", "list", "--type", "none").err == "No task fits.\n"
    assert typed("tasks", "show", "01a2-not-there").status == 5


def test_a_task_for_later_says_when(sqlite_rook: app.Rook, typed: Typed) -> None:
    later = datetime(2100, 1, 2, 3, 4, 5, tzinfo=UTC)
    task_id = sqlite_rook.tasks.submit_task("scans.run", {"endpoints": ["127.0.0.1:1"]}, run_at=later)
    assert "at 2100-01-02 03:04:05" in typed("tasks", "list").out
    assert "due        2100-01-02T03:04:05+00:00" in typed("tasks", "show", task_id).out


def test_the_files_of_a_task_are_listed_and_written_out(
    sqlite_rook: app.Rook, typed: Typed, data_dir: Path, tmp_path: Path
) -> None:
    task_id = sqlite_rook.tasks.submit_task("backups.run", {"filter": "tag:none"})
    assert "This task has left no files here." in typed("tasks", "artifacts", task_id).err
    folder = data_dir / "artifacts" / task_id
    folder.mkdir(parents=True)
    (folder / "report.csv").write_text("a,b\n")
    [file] = typed("tasks", "artifacts", task_id[:13], "--json").document["items"]
    assert (file["name"], file["size"]) == ("report.csv", 4)
    assert typed("tasks", "artifacts", task_id, "report.csv").out == "a,b\n"
    assert typed("tasks", "artifacts", task_id, "report.csv", "-o", str(tmp_path / "copy")).status == 0
    assert (tmp_path / "copy").read_text() == "a,b\n"
    for elsewhere in ("../../rookery.db", "/etc/passwd", "none.csv"):
        assert typed("tasks", "artifacts", task_id, elsewhere).status == 5


def test_what_has_ended_is_deleted_when_somebody_says_so(sqlite_rook: app.Rook, typed: Typed) -> None:
    task_id = left(sqlite_rook, "127.0.0.1:1")
    sqlite_rook.tasks.cancel_task(task_id)
    assert typed("tasks", "prune", "--before", TOMORROW).status == 2
    assert typed("tasks", "prune", "--before", YESTERDAY, "--yes").err == "0 tasks deleted.\n"
    assert typed("tasks", "prune", "--before", TOMORROW, "--yes", "--json").document == {"removed": 1}
    assert typed("tasks", "show", task_id).status == 5


def test_the_health_of_the_queue_is_an_exit_status_and_a_document(
    sqlite_rook: app.Rook, typed: Typed
) -> None:
    well = typed("queue", "health", "--json")
    assert (well.status, well.document["ok"]) == (0, True)
    left(sqlite_rook, "127.0.0.1:1")
    ill = typed("queue", "health", "--json")
    assert (ill.status, ill.document["tasks"]["pending"], ill.document["workers"]) == (1, 1, [])
    assert ill.document["problems"] == [
        "Tasks wait, and no worker is there: start one with `rookery worker`."
    ]
    with working(sqlite_rook, concurrency=3, only=["findings.import"]):
        wait_for(lambda: bool(sqlite_rook.tasks.health().workers))
        lines = typed("queue", "health").out.splitlines()
    assert lines[1].split() == ["scans.run", "1", *6 * "0"]
    assert (lines[-1].split()[3], lines[-1].split()[-1]) == ("3", "findings.import")


def test_a_worker_takes_what_it_is_told_to_and_drains(sqlite_rook: app.Rook, typed: Typed) -> None:
    scan = left(sqlite_rook, "127.0.0.1:1")
    nobody = {"filter": "tag:none"}
    ids = [sqlite_rook.tasks.submit_task(type_, nobody) for type_ in ("backups.run", "backups.reach_all")]
    worked = typed("worker", "--types", "backups.run, backups.reach_all", "--types", "scans.check", "--drain")
    assert (worked.status, worked.out) == (0, "")
    assert worked.err.splitlines()[-1] == "The worker has ended: 2 completed."
    assert [str(sqlite_rook.tasks.get_task_status(id_)) for id_ in (*ids, scan)] == [
        "completed", "completed", "pending",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "backend", "said"),
    [
        (["--types", "scans.rum"], "database", "scans.run"),
        (["--types", "scans.run"], "rq", "takes every type"),
        (["--concurrency", "0"], "database", "1<=x<=1000"),
        (["--metrics-port", "1", "--metrics-host", "192.0.2.1"], "database", "Nothing can listen on"),
    ],
)
def test_a_worker_that_cannot_be_is_refused_with_what_would_do(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, options: list[str], backend: str, said: str
) -> None:
    monkeypatch.setenv("ROOKERY_QUEUE__BACKEND", backend)
    refused = typed("worker", *options)
    assert refused.status != 0
    assert said in refused.err.splitlines()[-1]
