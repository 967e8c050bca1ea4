"""`rookery scan --detach`: the scan is left to a worker, and whoever left it knows what to do next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rookery import app
from rookery.base.config import Config
from rookery.demo import WeakServer
from tests.journeys.conftest import Rookery
from tests.workers import ended, working


def test_a_detached_scan_waits_for_a_worker_and_says_how_to_start_and_watch_one(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    left = rookery("scan", weak_server.url, "--severity", "critical", "--detach", "--priority", "2")
    task_id = left.stdout.strip()
    assert (left.returncode, len(task_id)) == (0, 36)
    assert left.stderr == (
        "No worker is there to do it: start one with\n  rookery worker\n"
        f"Watch it: rookery tasks watch {task_id}\n"
    )
    with app.open(config=Config(data_dir=tmp_path / "data")) as rook:
        assert rook.tasks.get_task(task_id).priority == 2
        with working(rook):
            said = rookery("scan", "127.0.0.1:9", "--detach")
            assert said.stderr == f"Watch it: rookery tasks watch {said.stdout.strip()}\n"
            ended(rook, task_id)
    found = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert {finding["severity"] for finding in found} == {"critical"}


def test_the_same_scan_twice_is_one_task(rookery: Rookery) -> None:
    first = json.loads(rookery("scan", "127.0.0.1:9", "--detach", "--json").stdout)
    again = rookery("scan", "http://127.0.0.1:9", "--detach", "--json")
    assert first["is_new"]
    assert json.loads(again.stdout) == {"task_id": first["task_id"], "is_new": False}
    assert "waits or runs already" in again.stderr


@pytest.mark.parametrize("waiting", [["--jsonl"], ["--fail-on", "high"]])
def test_what_waits_for_the_end_of_the_scan_is_refused(rookery: Rookery, waiting: list[str]) -> None:
    refused = rookery("scan", "127.0.0.1:9", "--detach", *waiting)
    assert (refused.returncode, f"leave out {waiting[0]}" in refused.stderr) == (2, True)


def test_without_the_queue_nothing_can_be_left_to_a_worker(
    rookery: Rookery, environment: dict[str, str]
) -> None:
    environment["ROOKERY_QUEUE__ENABLED"] = "false"
    refused = rookery("scan", "127.0.0.1:9", "--detach")
    assert (refused.returncode, "queue.enabled" in refused.stderr) == (2, True)


def test_a_stranger_is_refused_when_it_is_left(rookery: Rookery) -> None:
    refused = rookery("scan", "192.0.2.1", "--detach")
    assert (refused.returncode, "rookery scope add 192.0.2.1" in refused.stderr) == (3, True)


def test_what_is_left_of_a_run_can_be_left_to_a_worker(rookery: Rookery, free_port: int) -> None:
    rookery("scan", f"127.0.0.1:{free_port}")
    [run] = json.loads(rookery("runs", "list", "--json").stdout)["items"]
    left = rookery("scan", "--resume", run["id"][:13], "--detach")
    assert (left.returncode, f"tasks watch {left.stdout.strip()}" in left.stderr) == (0, True)
