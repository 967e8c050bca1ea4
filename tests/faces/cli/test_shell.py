"""What a command finds: an open Rook, and the settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from rookery import app
from rookery.faces.cli.output import Shell, pass_rook


@pytest.fixture(autouse=True)
def _root_logger_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = before, level


def test_a_command_is_given_an_open_rook_that_is_closed_after_it(tmp_path: Path) -> None:
    seen: list[Any] = []

    @click.command()
    @pass_rook
    def look(rook: Any) -> None:
        seen.extend([rook, rook.data_dir, rook.actor])
        rook.on_close(lambda: seen.append("closed"))

    shell = Shell()
    shell.data_dir = tmp_path / "d"
    result = CliRunner().invoke(look, obj=shell, catch_exceptions=False)
    assert result.exit_code == 0
    assert seen[1:] == [tmp_path / "d", app.default_actor(), "closed"]


@pytest.mark.parametrize(
    ("quiet", "verbosity", "level"),
    [
        (False, 0, logging.WARNING),
        (False, 1, logging.INFO),
        (False, 2, logging.DEBUG),
        (True, 0, logging.ERROR),
    ],
)
def test_verbosity_decides_what_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: bool, verbosity: int, level: int
) -> None:
    monkeypatch.chdir(tmp_path)
    shell = Shell()
    shell.quiet, shell.verbosity = quiet, verbosity
    assert shell.loaded
    assert logging.getLogger().level == level
