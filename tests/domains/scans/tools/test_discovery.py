"""Tools are found by entry point; a plug-in that is broken costs one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rookery.base.config import Scan as Limits
from rookery.domains.scans.errors import BrokenTool, UnknownTool
from rookery.domains.scans.items import Ip
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.tools import GROUP, ToolJob, availability, discover, find
from rookery.domains.scans.tools.discovery import OWN
from tests.domains.scans.tools.plugins import install

ROOT = Path(__file__).parents[4]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on sys.path in which packages can be installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_our_own_tools_are_those_that_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {EntryPoint(name, value, GROUP) for name, value in project["entry-points"][GROUP].items()}
    assert set(OWN) == declared


def test_the_embedded_engine_is_always_there() -> None:
    answer = find("embedded").available(Limits())
    assert (answer.is_available, answer.reason) == (True, "")
    assert answer.version


def test_an_unknown_tool_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownTool, match=r"no tool 'embeded'\. Did you mean embedded\?"):
        find("embeded")


def test_the_example_of_the_how_to_is_a_tool_that_runs(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/howto/write-a-tool.md").read_text(encoding="utf-8")
    project = tomllib.loads(re.findall(r"^```ini\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0])["project"]
    [(name, value)] = project["entry-points"][GROUP].items()
    source = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    install(site, project["name"], f"{name} = {value}", source)
    program = site / "ping"
    program.write_text('#!/bin/sh\necho "64 bytes from $3"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(site), prepend=os.pathsep)
    tool = find("ping")
    assert tool.available(Limits()).is_available
    job = ToolJob(plan=ScanPlan(endpoints=("http://127.0.0.1:8000/",)), limits=Limits())
    items = [item for item in tool.runner(job) if isinstance(item, Ip)]
    assert [(item.ip, item.alive, item._source) for item in items] == [("127.0.0.1", True, "ping")]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("class Tool:\n    def __init__(self): raise ValueError('\\x1b[31mboom\\n' * 99)", "ValueError: "),
        ("class Tool: pass", "it has no name, available() and runner()"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: "),
    ],
)
def test_a_broken_plug_in_costs_one_line_and_no_other_tool(site: Path, source: str, reason: str) -> None:
    module = f"broken_{abs(hash(source))}"
    install(site, "rookery-broken", f"broken = {module}:Tool", source)
    found = discover()
    assert "embedded" in found.by_name
    [warning] = found.warnings
    assert warning.startswith("The tool 'broken' of rookery-broken cannot be loaded: ")
    assert reason in warning
    assert len(warning.splitlines()) == 1
    assert len(warning) < 300
    with pytest.raises(BrokenTool):
        find("broken")


def test_a_plug_in_that_fails_to_answer_is_not_available(site: Path) -> None:
    source = (
        "class Tool:\n    name = 'odd'\n    def runner(self, job, **options): ...\n"
        "    def available(self, limits): raise OSError('no\\nway')"
    )
    install(site, "rookery-odd", "odd = odd_tool:Tool", source)
    answer = availability(find("odd"), Limits())
    assert answer.reason == "it cannot say whether it can be run: OSError: no way"


def test_nobody_takes_the_name_of_another_tool(site: Path) -> None:
    install(site, "rookery-impostor", "embedded = impostor:Tool", "raise AssertionError('it was loaded')")
    found = discover()
    assert type(found.by_name["embedded"]).__module__ == "rookery.domains.scans.tools.embedded"
    assert found.warnings == ("tool 'embedded' of rookery-impostor is left out: another has this name",)
    assert type(find("embedded")).__module__ == "rookery.domains.scans.tools.embedded"


def test_the_list_of_tools_is_for_people_and_programs(site: Path, tmp_path: Path) -> None:
    install(site, "rookery-broken", "broken = broken_in_list:Tool", "raise ValueError('\\x1b[31mboom')")

    def rookery(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=True)

    listed = json.loads(rookery("tools", "list", "--json").stdout)["items"]
    embedded = next(row for row in listed if row["name"] == "embedded")
    assert embedded.keys() == {"name", "available", "version", "reason"}
    assert embedded["available"]
    shown = rookery("tools", "list")
    assert re.search(r"^embedded +yes +\d", shown.stdout, re.MULTILINE)
    [warning] = [line for line in shown.stderr.splitlines() if "broken" in line]
    assert warning.startswith("warning: The tool 'broken' of rookery-broken cannot be loaded: ValueError: ")
    assert "\x1b" not in shown.stderr
