"""Several processes on one data directory, started at the same moment, on either database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rookery.demo import WeakServer
from tests.patience import PATIENCE


class Crowd:
    """Runs `rookery …` any number of times at once."""

    def __init__(self, data_dir: Path, environment: dict[str, str]) -> None:
        self.data_dir, self.environment = data_dir, environment

    def __call__(self, *commands: tuple[str, ...]) -> list[str]:
        """The standard output of each command; all are started before any is waited for."""
        started = [self._start(command) for command in commands]
        return [self._output(process) for process in started]

    def items(self, *command: str) -> list[dict[str, object]]:
        items: list[dict[str, object]] = json.loads(self((*command, "--json"))[0])["items"]
        return items

    def _start(self, command: tuple[str, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "rookery", "--data-dir", str(self.data_dir), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def _output(self, process: subprocess.Popen[str]) -> str:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert "rookery:" not in err
        return out


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def crowd(request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Path) -> Crowd:
    """A data directory that is not there yet, and an empty database."""
    if request.param == "postgresql":
        environment["ROOKERY_DATABASE__URL"] = request.getfixturevalue("empty_postgres_url")
    return Crowd(tmp_path / "data", environment)


def test_two_scans_at_once_find_the_same_and_keep_one_log(crowd: Crowd, weak_server: WeakServer) -> None:
    outputs = crowd(*[("scan", weak_server.url, "--jsonl")] * 2)
    first, second = ({json.loads(line)["finding_id"] for line in out.splitlines()} for out in outputs)
    stored = crowd.items("findings", "list")
    assert first == second == {finding["id"] for finding in stored}
    assert {finding["run_count"] for finding in stored} == {2}
    log = Counter(entry["event_type"] for entry in crowd.items("audit", "list"))
    assert log.pop("findings.appeared") in {1, 2}  # whoever was first to see them
    assert log == {"scan.started": 2, "scan.finished": 2}
    crowd(("audit", "verify"))


def test_four_processes_that_start_at_once_on_nothing_all_do_their_work(crowd: Crowd) -> None:
    """Each of them finds an empty database, makes the signing key and records an entry."""
    networks = [f"10.{number}.0.0/16" for number in range(4)]
    crowd(*(("scope", "add", network) for network in networks))
    assert [row["entry"] for row in crowd.items("scope", "list")] == networks
    assert {entry["object"] for entry in crowd.items("audit", "list")} == set(networks)
    assert len(list((crowd.data_dir / "keys").glob("*.pub"))) == 1
    crowd(("audit", "verify"))
