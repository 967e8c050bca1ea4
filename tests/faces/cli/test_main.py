"""The table of commands: every row loads, and help costs only what it must."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from rookery.faces.cli.main import COMMANDS, LazyGroup
from rookery.faces.cli.main import cli as group

from .conftest import Cli

MAY_LOAD = {"click", "rookery"}
"""What `rookery --help` may import beyond the standard library."""

HEAVY = {"asyncio", "logging", "importlib.metadata", "json", "tomllib", "http", "urllib.request"}
"""Of the standard library, what a help text has no business with."""


def _modules_after(arguments: list[str]) -> set[str]:
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom rookery.__main__ import main\n"
        f"sys.argv = {['rookery', *arguments]!r}\nmain()\n"
        "print(*(set(sys.modules) - before), file=sys.stderr)"
    )
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    result = subprocess.run(
        [sys.executable, "-c", code], env=alone, capture_output=True, text=True, check=True
    )
    return set(result.stderr.split())


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("name", COMMANDS)
def test_every_row_of_the_table_loads_a_command_that_says_so_of_itself(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert (command.help or "").startswith(COMMANDS[name].help.rstrip("."))


def test_help_loads_click_and_rookery_alone() -> None:
    loaded = _modules_after(["--help"])
    assert {name.partition(".")[0] for name in loaded if not _is_standard(name)} <= MAY_LOAD
    assert loaded & HEAVY == set()


def test_only_a_filter_loads_the_grammar_of_filters(tmp_path: Path) -> None:
    listed = ["--data-dir", str(tmp_path), "devices", "list"]
    assert "lark" not in _modules_after(listed)
    assert "lark" in _modules_after([*listed, "tag:core"])


def test_help_loads_no_command() -> None:
    loaded = {name for name in _modules_after(["--help"]) if name.startswith("rookery")}
    assert loaded == {
        "rookery",
        "rookery.__main__",
        "rookery.base",
        "rookery.base.errors",
        "rookery.base.redact",
        "rookery.faces",
        "rookery.faces.cli",
        "rookery.faces.cli.main",
        "rookery.faces.cli.run",
        "rookery.faces.cli.shell",
        "rookery.faces.cli.signals",
    }


def test_the_version_loads_nothing_but_its_own_two_modules() -> None:
    loaded = {name for name in _modules_after(["--version"]) if not _is_standard(name)}
    assert loaded == {"rookery", "rookery.__main__"}


def test_help_names_every_command_and_fits_80_columns(cli: Cli) -> None:
    result = cli("--help", env={"COLUMNS": "200"})
    assert result.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in result.stdout] == []
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_names_are_completed_without_loading_a_command() -> None:
    completions = LazyGroup().shell_complete(click.Context(group), "se")
    assert [item.value for item in completions] == ["settings"]
