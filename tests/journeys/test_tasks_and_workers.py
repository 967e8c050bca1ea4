"""`rookery worker` does what is left to it, is watched meanwhile, and ends when it is told to."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rookery.demo import WeakServer
from tests.faces.cli.terminal import on_a_terminal
from tests.journeys.conftest import Rookery
from tests.patience import PATIENCE, wait_for

Start = Callable[..., "subprocess.Popen[str]"]
SLOW = ("--rate-limit", "1")
"""Of a scan that runs for longer than any test does."""


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start `rookery …`; what still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def said_by(process: subprocess.Popen[str], text: str) -> str:
    """The first line on standard error with this text."""
    assert process.stderr is not None
    return next(line for line in iter(process.stderr.readline, "") if text in line)


def left(rookery: Rookery, *scan: str) -> str:
    """The id of the task of a scan that is left to a worker."""
    return rookery("scan", *scan, "--detach").stdout.strip()


def shown(rookery: Rookery, task_id: str) -> Any:
    return json.loads(rookery("tasks", "show", task_id, "--json").stdout)


def test_a_worker_does_what_is_left_to_it_until_it_is_told_to_stop(
    rookery: Rookery, start: Start, weak_server: WeakServer
) -> None:
    worker = start("worker", "--concurrency", "2", "--metrics-port", "0")
    metrics = said_by(worker, "Metrics: ").split()[1]
    assert "does 2 at once" in said_by(worker, "Worker ")
    task_id = left(rookery, weak_server.url, "--severity", "critical")

    watched = rookery("tasks", "watch", task_id[:13])
    assert watched.returncode == 0
    assert re.search(r"^completed after [\d.]+ s$", watched.stderr, re.MULTILINE)
    task = shown(rookery, task_id)
    assert (task["status"], task["attempts"], task["failure"]) == ("completed", 1, None)
    with urllib.request.urlopen(metrics) as answer:  # noqa: S310  it is one of http
        assert (
            'rookery_task_attempts_total{outcome="completed",type="scans.run"} 1.0' in answer.read().decode()
        )

    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate(timeout=PATIENCE)
    assert worker.returncode == 0
    attempt = next(json.loads(line) for line in said.splitlines() if '"task_id"' in line)
    assert (attempt["task_id"], attempt["status"], attempt["level"]) == (task_id, "completed", "info")
    assert said.splitlines()[-1] == "The worker has ended: 1 completed."


def test_the_first_signal_lets_end_what_runs_and_the_second_gives_it_back(
    rookery: Rookery, start: Start, weak_server: WeakServer
) -> None:
    task_id = left(rookery, weak_server.url, *SLOW)
    worker = start("worker", "--quiet")
    wait_for(lambda: shown(rookery, task_id)["status"] == "running")
    worker.send_signal(signal.SIGINT)
    watch = start("tasks", "watch", task_id)
    assert "running" in said_by(watch, "%")
    worker.send_signal(signal.SIGINT)
    assert worker.communicate(timeout=PATIENCE) == ("", "")
    assert worker.returncode == 0
    assert shown(rookery, task_id)["status"] == "pending"

    watch.send_signal(signal.SIGINT)
    _, said = watch.communicate(timeout=PATIENCE)
    assert (watch.returncode, f"rookery tasks cancel {task_id[:13]}" in said) == (130, True)


def test_a_scan_that_runs_is_cancelled(rookery: Rookery, start: Start, weak_server: WeakServer) -> None:
    task_id = left(rookery, weak_server.url, *SLOW)
    start("worker")
    watch = start("tasks", "watch", task_id, "--json")
    said_by(watch, "running")
    assert rookery("tasks", "cancel", task_id).stderr == f"{task_id[:13]} is told to stop.\n"
    ended, _ = watch.communicate(timeout=PATIENCE)
    assert (watch.returncode, json.loads(ended)["status"]) == (1, "cancelled")


def test_on_a_terminal_of_80_columns_everything_fits(
    rookery: Rookery, start: Start, environment: dict[str, str], tmp_path: Path, weak_server: WeakServer
) -> None:
    def seen(*arguments: str) -> list[str]:
        screen = on_a_terminal(["--data-dir", str(tmp_path / "data"), "--no-color", *arguments], environment)
        return re.split(r"[\r\n]+|\x1b\[K", screen)

    task_id = left(rookery, weak_server.url, "--rate-limit", "15")
    start("worker")
    watched = seen("tasks", "watch", task_id)
    assert any(line.startswith("[") and "running" in line for line in watched)
    for lines in (watched, seen("tasks", "list"), seen("queue", "health"), seen("worker", "--help")):
        assert max(map(len, lines)) <= 80
