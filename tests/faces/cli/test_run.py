"""At the boundary of the process: one line for a failure, the right exit status, no mess on a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from rookery import __version__
from rookery.base import errors, redact
from rookery.faces.cli.main import cli as group
from rookery.faces.cli.run import hoisted, run
from tests.patience import PATIENCE

from .conftest import Cli


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], list[str]]:
    """Make a command of the group raise; returns the command line that calls it."""

    def install(error: BaseException) -> list[str]:
        def fail() -> None:
            raise error

        command = click.Command("fail", callback=fail)
        monkeypatch.setattr(type(group), "get_command", lambda *_args: command)
        return ["fail"]

    return install


def _line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rookery: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version").stdout == cli("--debug", "--version").stdout == f"rookery {__version__}\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RookeryError("x"), 1),
        (errors.Invalid("x"), 2),
        (errors.NotAllowed("x"), 3),
        (errors.NotFound("x"), 5),
        (errors.Conflict("x"), 6),
        (errors.Unavailable("x"), 7),
        (click.UsageError("x"), 2),
        (click.exceptions.Exit(8), 8),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (PermissionError(13, "Permission denied", "/x"), 1),
        (ZeroDivisionError("x"), 1),
        (ExceptionGroup("several", [errors.NotFound("x"), ValueError("y")]), 5),
        (BaseExceptionGroup("several", [errors.NotFound("x"), KeyboardInterrupt()]), 130),
    ],
)
def test_what_a_command_raises_decides_the_exit_status(
    failing: Callable[[BaseException], list[str]], error: BaseException, status: int
) -> None:
    assert run(failing(error)) == status


@pytest.mark.parametrize(
    "error",
    [errors.NotFound("no\nsuch\nthing"), ValueError("a\n  b"), OSError(28, "No space left on device")],
)
def test_a_failure_is_one_line_even_when_its_message_has_several(
    failing: Callable[[BaseException], list[str]], error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    run(failing(error))
    _line(capsys)


def test_an_unexpected_error_says_how_to_see_more(
    failing: Callable[[BaseException], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    run(failing(ZeroDivisionError("by zero")))
    assert "unexpected ZeroDivisionError: by zero (--debug shows where)" in _line(capsys)


def test_several_failures_are_counted(
    failing: Callable[[BaseException], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    run(failing(ExceptionGroup("", [errors.Conflict("first"), ExceptionGroup("", [OSError(), OSError()])])))
    assert "first (and 2 more" in _line(capsys)


def test_debug_shows_the_traceback_without_secrets(
    failing: Callable[[BaseException], list[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redact, "_secrets", ())
    redact.register_secret("hunter2")
    run(["--debug", *failing(ValueError("it was hunter2, see https://u:url-pw@h"))])
    text = capsys.readouterr().err
    assert "Traceback" in text
    assert "hunter2" not in text
    assert "url-pw" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["docter"], "No such command 'docter'; did you mean doctor? See `rookery --help`."),
        (["settings", "gte"], "No such command 'gte'; did you mean get?"),
        (["settings", "get", "--orign"], "No such option '--orign'; did you mean --origin?"),
        (["audit", "list", "--limit", "x"], "Invalid value for '--limit': 'x' is not a whole number. See "),
        (["scan", "x", "--rate-limit", "fast"], "'fast' is not a number. See "),
        (["completion"], "Missing argument 'SHELL'. Choose from: bash, zsh, fish."),
        (["settings", "get", "--data-dir"], "Option '--data-dir' requires an argument."),
        (["--config", "nowhere.toml", "settings", "get"], "nowhere.toml cannot be read: No such file"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_a_hint(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert message in _line(capsys)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["scan", "x", "--debug", "--data-dir", "d"], ["--debug", "--data-dir", "d", "scan", "x"]),
        (["scan", "--data-dir=d", "-v"], ["--data-dir=d", "-v", "scan"]),
        (["scan", "x", "-qvv", "-t", "d"], ["-qvv", "scan", "x", "-t", "d"]),
        (["scan", "-"], ["scan", "-"]),
        (["scan", "-vt", "d"], ["scan", "-vt", "d"]),
        (["scan", "--", "--debug"], ["scan", "--", "--debug"]),
        (["scan", "--json"], ["scan", "--json"]),
    ],
)
def test_the_shells_own_options_may_follow_the_command(written: list[str], read: list[str]) -> None:
    assert hoisted(written) == read


def test_help_without_arguments_goes_to_standard_error(cli: Cli) -> None:
    result = cli()
    assert (result.returncode, result.stdout) == (2, "")
    assert "Commands:" in result.stderr


def test_a_reader_that_leaves_early_is_no_error(environ: dict[str, str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        result = subprocess.run(
            [sys.executable, "-m", "rookery", "settings", "get"],
            env=environ,
            stdout=pipe,
            stderr=subprocess.PIPE,
        )
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written_is_a_failure(cli: Cli) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = cli("settings", "get", stdout=full)
    assert (result.returncode, result.stderr) == (1, "rookery: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_error_that_cannot_be_told_keeps_its_exit_status(cli: Cli) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        assert cli("docter", stderr=full).returncode == 2


def test_closed_streams_are_no_error(environ: dict[str, str]) -> None:
    command = f"exec {sys.executable} -m rookery settings get >&- 2>&-"
    assert subprocess.run(["/bin/sh", "-c", command], env=environ).returncode == 0


def test_a_terminal_without_the_characters_gets_escapes(cli: Cli) -> None:
    result = cli("settings", "get", "data_dir", "--data-dir", "/→", env={"PYTHONIOENCODING": "latin-1"})
    assert (result.returncode, result.stdout) == (0, "/\\u2192\n")


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [(signal.SIGINT, 130, "rookery: interrupted"), (signal.SIGTERM, 143, "rookery: terminated")],
)
def test_a_signal_ends_a_command_with_one_line_and_its_status(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals, status: int, line: str
) -> None:
    """The command waits for a settings file that is a pipe nobody writes to."""
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "rookery", "--config", str(pipe), "settings", "get"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        writer = os.open(pipe, os.O_WRONLY)  # returns when the command has opened the other end
        time.sleep(0.2)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        os.close(writer)
    assert (process.returncode, said.strip()) == (status, line)


def test_sigterm_stays_ignored_where_it_was(environ: dict[str, str], tmp_path: Path) -> None:
    """Without coverage, which would listen to it first."""
    alone = {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    command = f"trap '' TERM; exec {sys.executable} -m rookery --config {pipe} settings get"
    with subprocess.Popen(["/bin/sh", "-c", command], env=alone, stdout=subprocess.DEVNULL) as process:
        writer = os.open(pipe, os.O_WRONLY)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        os.close(writer)
    assert process.returncode == 0
