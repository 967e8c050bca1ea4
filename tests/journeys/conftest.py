"""The product as its user has it: the installed command, a real web server, a data directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forked import Forge

Rookery = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which no setting of the machine is found."""
    home = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}
    return {**kept, **home, "COLUMNS": "80"}


@pytest.fixture
def rookery(tmp_path: Path, environment: dict[str, str], forge: Forge) -> Rookery:
    """Run `rookery …` with a data directory of the test's own: `rookery("scan", url).stdout`."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = ["--data-dir", str(tmp_path / "data"), *arguments]
        return forge.run(command, env=environment, cwd=tmp_path, stdin=stdin)

    return run
