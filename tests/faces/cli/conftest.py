"""The command line as a user meets it: a process of its own, in an empty home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.forked import Forge
from tests.patience import PATIENCE

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROOKERY_", "XDG_"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        kept.pop(name, None)
    home = tmp_path / "home"
    home.mkdir()
    return kept | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "TERM": "xterm-256color"}


@pytest.fixture
def cli(environ: dict[str, str], tmp_path: Path, forge: Forge) -> Cli:
    """`cli("settings", "get", env={…})` runs it to its end; output is captured as text."""

    def run(
        *arguments: str,
        env: Mapping[str, str] = {},
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        if not options:
            return forge.run(arguments, env=environ | dict(env), cwd=tmp_path)
        command = [sys.executable, "-m", "rookery", *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(
            command,
            env=environ | dict(env),
            cwd=tmp_path,
            text=True,
            check=False,
            timeout=PATIENCE,
            **streams,
        )

    return run
