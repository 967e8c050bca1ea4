"""The tutorial, step by step, with the template and the hook as it prints them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from rookery.demo import WeakServer
from tests.journeys.conftest import Rookery

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-scan.md"


def _block(language: str, number: int = 0) -> str:
    text = TUTORIAL.read_text(encoding="utf-8")
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return blocks[number]


def test_the_template_finds_what_the_tutorial_shows(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "build-info.yaml").write_text(_block("yaml"), encoding="utf-8")
    found = rookery("scan", weak_server.url, "-t", "checks").stdout
    assert found.replace(weak_server.url, "http://127.0.0.1:8471") in TUTORIAL.read_text(encoding="utf-8")
    assert found


def test_the_hook_hears_each_finding(rookery: Rookery, weak_server: WeakServer, tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(_block("python"), encoding="utf-8")
    (tmp_path / "rookery.toml").write_text('[hooks]\nmodules = ["./hooks.py"]\n', encoding="utf-8")
    lines = rookery("scan", weak_server.url).stdout.splitlines()
    seen = (tmp_path / "seen.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(seen) > 10


def test_python_sees_what_the_command_line_found(
    weak_server: WeakServer, environment: dict[str, str], tmp_path: Path
) -> None:
    program = _block("python", 1).replace("http://127.0.0.1:8471", weak_server.url)
    rookery = [sys.executable, "-m", "rookery"]
    for command in ([*rookery, "scan", weak_server.url], [sys.executable, "-c", program]):
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, text=True, capture_output=True, check=True
        )
    assert done.stdout.splitlines()[1].startswith("Spring Boot heap dump exposed")
