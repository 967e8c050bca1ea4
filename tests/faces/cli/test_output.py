"""Tables for people, JSON for programs, and nothing from outside that drives a terminal."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from pathlib import Path

import pytest

from rookery.faces.cli.output import Column, emit_json, emit_jsonl, emit_list, printable, table

from .conftest import Cli
from .terminal import on_a_terminal


@dataclasses.dataclass
class Point:
    """Something to write as JSON."""

    at: datetime.datetime
    path: Path


def test_in_a_pipe_columns_are_aligned_and_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    table(["name", Column("size", right=True)], [("a" * 100, 5), ("b", 1000)])
    assert capsys.readouterr().out.splitlines() == [
        "NAME" + " " * 98 + "SIZE",
        "a" * 100 + "     5",
        "b" + " " * 99 + "  1000",
    ]


def test_an_empty_table_is_a_note_that_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    table(["name"], [], empty="nothing yet: run `rookery scan URL`")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "nothing yet: run `rookery scan URL`\n")


def test_what_comes_from_outside_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2J\x9b\x7f\n\u202eb\tc") == "a\\x1b[2J\\x9b\\x7f\\n\\u202eb c"
    assert printable(None) == ""


def test_json_takes_dataclasses_dates_and_paths(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json(Point(datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), Path("/x")))
    assert json.loads(capsys.readouterr().out) == {"at": "2026-01-02T00:00:00Z", "path": "/x"}


def test_a_list_has_items_and_next(capsys: pytest.CaptureFixture[str]) -> None:
    emit_list([1, 2], next_page="c")
    assert json.loads(capsys.readouterr().out) == {"items": [1, 2], "next": "c"}


def test_json_lines_are_one_row_each(capsys: pytest.CaptureFixture[str]) -> None:
    emit_jsonl([{"a": "x\ny"}, {"b": 1}])
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"a": "x\ny"}, {"b": 1}]


def test_on_a_terminal_a_table_fits_and_loses_nothing(environ: dict[str, str]) -> None:
    long = "/" + "x" * 150
    text = on_a_terminal(["settings", "get", "--origin", "--quiet", "--data-dir", long], environ)
    lines = text.replace("\r", "").splitlines()
    assert len(lines) > 15
    assert max(map(len, _without_colours(lines))) <= 80
    assert text.count("x") >= 150


@pytest.mark.parametrize(
    ("variables", "option", "coloured"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"TERM": "dumb"}, [], False),
        ({}, ["--no-color"], False),
        ({"FORCE_COLOR": "1"}, ["--no-color"], False),
    ],
)
def test_a_terminal_gets_colours_unless_they_are_refused(
    environ: dict[str, str], variables: dict[str, str], option: list[str], *, coloured: bool
) -> None:
    text = on_a_terminal(["doctor", *option], environ | variables)
    assert ("\x1b[3" in text) == coloured


def test_a_pipe_gets_colours_only_when_they_are_forced(cli: Cli) -> None:
    assert "\x1b[" not in cli("doctor").stdout
    assert "\x1b[3" in cli("doctor", env={"FORCE_COLOR": "1"}).stdout


def _without_colours(lines: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def test_on_a_narrow_terminal_spare_columns_go_and_cut_ones_end_in_an_ellipsis(
    cli: Cli, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = str(tmp_path / "data")
    assert cli("scope", "add", f"{'x' * 60}.example", "--data-dir", folder).returncode == 0
    [titles, row] = _table(["audit", "list", "--data-dir", folder], environ, 80)
    assert titles.split() == ["NO", "TIME", "(UTC)", "EVENT", "ACTOR", "OBJECT"]
    assert row.endswith("x…")
    [titles, row] = _table(["audit", "list", "--data-dir", folder], environ, 200)
    assert titles.split()[-2:] == ["OBJECT", "ID"]
    assert "x.example" in row


def _table(arguments: list[str], environ: dict[str, str], columns: int) -> list[str]:
    lines = on_a_terminal(arguments, environ, columns).replace("\r", "").splitlines()
    return [line.rstrip() for line in _without_colours(lines)]
