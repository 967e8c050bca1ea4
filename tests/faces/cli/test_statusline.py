"""The line at the foot of a terminal: gone before anything else is written, gone at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.demo import WeakServer
from rookery.faces.cli.statusline import ERASE, StatusLine
from tests.domains.backups.git.conftest import commit

from .conftest import Cli
from .terminal import on_a_terminal


def _left_standing(written: str) -> list[str]:
    """The lines a terminal shows in the end."""
    return [line.rstrip("\r").rpartition(ERASE)[2] for line in written.split("\n")]


def test_findings_stand_alone_on_their_lines(environ: dict[str, str], weak_server: WeakServer) -> None:
    written = on_a_terminal(["scan", weak_server.url, "--no-color"], environ)
    assert "[####################] 100 %" in written
    lines = _left_standing(written)
    assert lines[-1] == ""
    assert not any("%" in line for line in lines)
    assert any(
        line.startswith("critical") and line.endswith("/.aws/credentials  [default]") for line in lines
    )


@pytest.mark.parametrize("arguments", [("-q",), ()])
def test_a_terminal_that_cannot_erase_gets_no_status_line(
    environ: dict[str, str], weak_server: WeakServer, arguments: tuple[str, ...]
) -> None:
    terminal = {} if arguments else {"TERM": "dumb"}
    assert ERASE not in on_a_terminal(["scan", weak_server.url, *arguments], environ | terminal)


def test_it_is_cut_to_the_terminals_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    line = StatusLine()
    line.show(50, "x" * 80)
    line.hide()
    assert capsys.readouterr().err == f"{ERASE}[##########..........]  50 %  {'x' * 9}{ERASE}"


def test_what_is_written_aside_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    line = StatusLine()
    line.show(0, "busy")
    shown = capsys.readouterr().err
    with line.aside():
        print("finding")  # noqa: T201
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("finding\n", ERASE + shown.removeprefix(ERASE))


def test_an_import_says_how_far_it_is_on_a_terminal_alone(
    environ: dict[str, str], cli: Cli, tmp_path: Path
) -> None:
    kept = tmp_path / "oxidized"
    kept.mkdir()
    for day in range(1, 4):
        commit(kept, day, r1=f"hostname r1\nversion {day}\nend\n")
    cli("devices", "add", "r1", "192.0.2.1", "--platform", "ios")
    command = ["history", "import", str(kept), "--dry-run"]
    assert "%" not in cli(*command).stderr
    written = on_a_terminal(command, environ)
    assert "100 %  3 of 3 commits" in written
    assert "100 %  3 of 3 versions" in written
    assert not any("%" in line for line in _left_standing(written))
