"""`rookery up`: all of it in one process, as a person starts, uses and ends it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.journeys.conftest import Rookery
from tests.leaks import WATCH
from tests.patience import PATIENCE

Up = Callable[..., "Running"]


class Running:
    """A `rookery up` that has said where it is."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        command = [
            sys.executable,
            "-m",
            "rookery",
            "--data-dir",
            str(data_dir),
            "up",
            "--port",
            "0",
            *arguments,
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.said = ""
        while "/api/v1" not in self.said:
            line = self._line()
            assert line, self.said
            self.said += line
        self.url = re.findall(r"http://[^ ,]+", self.said)[0]

    def _line(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def more(self) -> str:
        """The next line it says."""
        self.said += (line := self._line())
        return line

    def close(self) -> None:
        """Whatever became of it."""
        self.process.kill()
        self.said += self.process.communicate()[1]
        WATCH.check(self.said)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit status."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=PATIENCE)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts it, on the data directory that `rookery` has; it ends with the test."""
    with ExitStack() as ends:

        def start(*arguments: str) -> Running:
            running = Running(tmp_path / "data", *arguments)
            ends.callback(running.close)
            return running

        yield start


def token(rookery: Rookery, name: str, *scopes: str) -> dict[str, str]:
    rookery("users", "add", name, "--role", "operator", "--no-password")
    given = [word for scope in scopes for word in ("--scope", scope)]
    made = json.loads(rookery("tokens", "create", name, "ci", *given, "--json").stdout)
    WATCH.note(made["secret"])
    return {"Authorization": f"Bearer {made['secret']}"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_in_order(up: Up, number: int) -> None:
    running = up()
    assert httpx.get(f"{running.url}/healthz").json()["status"] == "ok"
    assert running.end(number) == 0
    assert "Rookery has ended." in running.said
    assert "Traceback" not in running.said


def test_the_first_account_is_made_with_the_link_that_it_prints(up: Up) -> None:
    running = up()
    link = re.findall(r"http://\S+/setup\?token=\S+", running.more())[0]
    assert 'name="password"' in httpx.get(link).text
    account = {"token": link.partition("=")[2], "username": "ada", "password": "short"}
    refused = httpx.post(f"{running.url}/setup", data=account)
    assert (refused.status_code, "at least 12 characters" in refused.text) == (422, True)
    made = httpx.post(f"{running.url}/setup", data={**account, "password": "a raven on the wire"})
    assert (made.status_code, "Welcome, ada" in made.text) == (201, True)
    assert running.end() == 0
    assert "setup" not in up().said


def test_what_is_asked_for_is_done_in_the_same_process(rookery: Rookery, up: Up) -> None:
    bearer = token(rookery, "ci", "backups:run", "tasks:read")
    running = up()
    with httpx.Client(base_url=f"{running.url}/api/v1", headers=bearer, timeout=PATIENCE) as asking:
        task_id = asking.post("/backups", json={"filter": "tag:none"}).json()["task_id"]
        with asking.stream("GET", f"/tasks/{task_id}/events") as answer:
            assert '{"status":"completed"}' in answer.read().decode()


def test_without_a_worker_it_says_so_and_serves_all_the_same(rookery: Rookery, up: Up) -> None:
    bearer = token(rookery, "ci", "tasks:read")
    running = up("--workers", "0")
    assert "rookery worker starts one" in running.more()
    health = httpx.get(f"{running.url}/api/v1/queue/health", headers=bearer).json()
    assert health["workers"] == []


def test_streams_do_not_keep_it_from_ending(rookery: Rookery, up: Up) -> None:
    bearer = token(rookery, "ci", "events:read")
    running = up()
    with httpx.stream("GET", f"{running.url}/api/v1/events", headers=bearer) as answer:
        running.process.send_signal(signal.SIGTERM)
        assert "retry" in answer.read().decode()
    assert running.end() == 0


def test_a_port_that_is_taken_is_said_so(rookery: Rookery, up: Up) -> None:
    port = up().url.rpartition(":")[2]
    second = rookery("up", "--port", port)
    assert (second.returncode, "Address already in use" in second.stderr) == (7, True)
    nowhere = rookery("up", "--host", "nowhere.invalid", "--port", "0")
    assert (nowhere.returncode, "Give another: --host" in nowhere.stderr) == (7, True)
    assert "while attempting" not in nowhere.stderr


def test_a_container_is_given_its_first_admin_in_a_file(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "password"
    secret.write_text("the owls are not what they seem\n")
    monkeypatch.setenv("ROOKERY_API__FIRST_ADMIN", "ada")
    monkeypatch.setenv("ROOKERY_API__FIRST_ADMIN_PASSWORD_FILE", str(secret))
    running = up("--workers", "0")
    account = {"username": "ada", "password": secret.read_text().strip()}
    assert httpx.post(f"{running.url}/api/v1/session", json=account).json()["role"] == "admin"
    assert running.end() == 0
    assert "setup" not in running.said
    WATCH.note(account["password"])
