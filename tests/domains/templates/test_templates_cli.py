"""`rookery templates`, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.demo import WeakServer
from tests.domains.templates.files import check, write
from tests.forked import Forge

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path, sqlite_url: str, data_dir: Path, forge: Forge) -> Run:
    """`run("list", "--json")` in an empty folder."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}

    def rookery(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = ["--data-dir", str(data_dir), "templates", *arguments]
        own = {f"ROOKERY_TEMPLATES__{name.upper()}": value for name, value in settings.items()}
        return forge.run(command, env=environ | own, cwd=tmp_path)

    return rookery


def test_list_shows_what_would_run_and_counts_the_rest(run: Run) -> None:
    done = run("list", "-s", "critical,high", "--tags", "exposure", "--json")
    document = json.loads(done.stdout)
    assert {row["severity"] for row in document["items"]} == {"critical", "high"}
    assert document["skipped"]["of another severity than asked for"] > 10
    shown = run("list", "--id", "git-*")
    assert shown.stdout.splitlines()[1].startswith("git-config-exposed")
    assert "Left out: " in shown.stderr
    assert max(map(len, shown.stderr.splitlines())) <= 80


def test_nucleis_words_may_have_one_dash_as_nuclei_writes_them(run: Run) -> None:
    done = run("list", "-tags", "git", "-severity=medium,high", "-etags", "cloud", "-id", "git-*", "--json")
    assert [row["id"] for row in json.loads(done.stdout)["items"]] == ["git-config-exposed"]
    assert " -tags" not in run("list", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (("-s", "terrible"), "'terrible' is not one of unknown, info", 2),
        (("--protocol", "ftp"), "'ftp' is not one of http", 2),
        (("--tags", "a,,b"), "there is an empty word", 2),
        (("-t", "no-such"), "no template file or folder no-such", 5),
    ],
)
def test_a_wrong_word_is_named(run: Run, arguments: tuple[str, ...], said: str, status: int) -> None:
    done = run("list", *arguments)
    assert said in done.stderr
    assert (done.returncode, done.stdout) == (status, "")


def test_a_selection_that_fits_nothing_says_so(run: Run) -> None:
    done = run("list", "--id", "no-such")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No template fits." in done.stderr


def test_show_takes_an_id_or_a_file(run: Run, tmp_path: Path) -> None:
    assert "GET {{BaseURL}}/.git/config" in run("show", "git-config-exposed").stdout
    write(tmp_path, "mine.yaml", check(template_id="mine", name="N\u202e"))
    assert "N\\u202e" in run("show", "mine.yaml").stdout
    assert json.loads(run("show", "mine.yaml", "--json").stdout)["file"]["id"] == "mine"
    missing = run("show", "no-such")
    assert (missing.returncode, "rookery templates list" in missing.stderr) == (5, True)


def test_validate_says_of_each_file_what_it_is_and_fails_for_a_wrong_one(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "set/good.yaml", check())
    assert run("validate", "set").returncode == 0
    write(tmp_path, "set/broken.yaml", "id: x\ninfo: {name: n, author: x}\nhttp:\n- pth: [y]\n")
    done = run("validate", "set")
    assert done.returncode == 1
    assert "set/broken.yaml:4" in done.stdout
    assert "2 files: 1 run, 0 unsupported, 1 invalid." in done.stderr
    document = json.loads(run("validate", "set", "--json").stdout)
    assert [(row["verdict"], row["line"]) for row in document["items"]] == [("invalid", 4), ("runs", 0)]


def test_stats_count_the_installed_ones(run: Run) -> None:
    assert "run (100.0 % of the sound ones)" in run("stats").stdout
    assert json.loads(run("stats", "--json").stdout)["invalid"] == 0


def test_a_set_is_synced_found_and_rolled_back(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "set/http/mine.yaml", check(template_id="mine"))
    done = run("sync", "set")
    assert done.stdout == "added    http/mine.yaml\n"
    assert "1 templates are installed: 1 added" in done.stderr
    assert run("list", "--id", "mine").stdout.splitlines()[1].startswith("mine")
    assert run("sync", "--rollback").returncode == 5
    assert run("sync").returncode == 2


def test_the_policy_decides_about_unsigned_templates(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "set/mine.yaml", check(template_id="mine"))
    run("sync", "set")
    warned = run("list", "--id", "mine", unsigned="warn")
    assert "1 template: not signed" in warned.stderr
    refused = run("list", "--id", "mine", unsigned="refuse")
    assert "not run: not signed" in refused.stderr
    named = run("list", "-t", "set/mine.yaml", unsigned="refuse")
    assert (named.returncode, "templates.unsigned is refuse" in named.stderr) == (3, True)


def test_a_key_that_is_none_is_named(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "key.pem", "nonsense")
    done = run("stats", trusted_keys="key.pem")
    assert (done.returncode, "key.pem" in done.stderr) == (2, True)


def test_a_template_is_tried_in_the_open(run: Run, weak_server: WeakServer) -> None:
    done = run("test", "git-config-exposed", "--against", weak_server.url)
    assert done.returncode == 0
    assert "  | GET /.git/config HTTP/1.1" in done.stdout
    assert "  yes  status '200'" in done.stdout
    assert f"match {weak_server.url}/.git/config" in done.stdout
    refused = run("test", "git-config-exposed", "--against", "http://192.0.2.1")
    assert (refused.returncode, "rookery scope add" in refused.stderr) == (3, True)
