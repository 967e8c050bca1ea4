"""Both type checkers understand operations: what is right passes, what is wrong is reported on its line.

A line of wrong/*.py that must be reported ends in `# E: mypy's code, pyright's rule`; `|` separates
alternatives.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WRONG = sorted((HERE / "wrong").glob("*.py"))

Reports = dict[str, set[tuple[int, str]]]


def run_mypy() -> Reports:
    files = [str(file) for file in (HERE / "examples.py", *WRONG)]
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    reports: Reports = {}
    for name, line, code in re.findall(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE):
        reports.setdefault(Path(name).name, set()).add((int(line), code))
    return reports


def run_pyright() -> Reports:
    command = [sys.executable, "-m", "pyright", "--outputjson", "--project", str(HERE)]
    command += ["--pythonpath", sys.executable]
    environ = os.environ | {"PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ)
    reports: Reports = {}
    for report in json.loads(done.stdout)["generalDiagnostics"]:
        line = report["range"]["start"]["line"] + 1
        reports.setdefault(Path(report["file"]).name, set()).add((line, report["rule"]))
    return reports


CHECKERS = {"mypy": (0, run_mypy), "pyright": (1, run_pyright)}


@pytest.fixture(scope="module", params=CHECKERS)
def checked(request: pytest.FixtureRequest) -> tuple[int, Reports]:
    """One checker's column in the expectations, and its reports on all files."""
    column, run = CHECKERS[request.param]
    return column, run()


def test_what_is_right_is_accepted(checked: tuple[int, Reports]) -> None:
    _, reports = checked
    assert reports.get("examples.py", set()) == set()


@pytest.mark.parametrize("file", WRONG, ids=lambda file: file.stem)
def test_what_is_wrong_is_reported_on_its_line(checked: tuple[int, Reports], file: Path) -> None:
    column, reports = checked
    expected = expectations(file, column)
    found = reports.get(file.name, set())
    assert {line for line, _ in found} == set(expected)
    assert [(line, code) for line, code in sorted(found) if code not in expected[line]] == []


def expectations(file: Path, column: int) -> dict[int, list[str]]:
    """For each line that must be reported, the codes that will do."""
    lines = enumerate(file.read_text().splitlines(), 1)
    marked = {number: line.partition("# E: ")[2] for number, line in lines if "# E: " in line}
    return {number: codes.split(", ")[column].split("|") for number, codes in marked.items()}
