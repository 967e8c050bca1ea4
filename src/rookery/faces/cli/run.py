"""The outermost shell: runs a command line and turns whatever happens into one line and an exit status.

0 done · 1 failed, or doctor found a problem · 2 usage · 3 not allowed · 4 partly failed · 5 not found ·
6 conflict · 7 unavailable · 8 findings at or above --fail-on · 124 --timeout · 130 interrupted ·
141 nobody reads · 143 terminated
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

from rookery.base.errors import RookeryError
from rookery.base.redact import redact_text
from rookery.faces.cli.main import cli
from rookery.faces.cli.shell import Shell
from rookery.faces.cli.signals import Terminated

PROGRAM = "rookery"
COMPLETION_VARIABLE = "_ROOKERY_COMPLETE"

_NUMBERS = re.compile(r"a valid (integer|float)(?: range)?(?=\.|$)")

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
NOBODY_READS = 141  # 128 + SIGPIPE
TERMINATED = 143  # 128 + SIGTERM


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; what goes wrong is one line on standard error."""
    _make_output_writable()
    shell = Shell()
    try:
        return _invoke(arguments, shell)
    except BaseException as error:  # noqa: BLE001 -- the last place to turn anything into a line
        return _explained(error, shell)
    finally:
        _let_go_of_output()


def _invoke(arguments: Sequence[str], shell: Shell) -> int:
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        return _complete(instruction)
    try:
        with cli.make_context(PROGRAM, hoisted(arguments), obj=shell) as context:
            cli.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    finally:
        sys.stdout.flush()
    return 0


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The shell's own options moved before the command, for people write them after it as well."""
    takes_value = _own_options()
    flags = {name[1:] for name, value in takes_value.items() if len(name) == 2 and not value}
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, given, _ = word.partition("=")
        if word == "--":
            rest += [word, *words]
        elif name in takes_value:
            front.append(word)
            if takes_value[name] and not given:
                front.append(_value(name, next(words, None)))
        else:
            (front if _are_flags(word, flags) else rest).append(word)
    return front + rest


def _are_flags(word: str, flags: Collection[str]) -> bool:
    """Whether a word is short flags of the shell's own and nothing else, such as -q or -vv."""
    return word[:1] == "-" and len(word) > 1 and set(word[1:]) <= set(flags)


def _own_options() -> dict[str, bool]:
    """The options of `rookery` itself, and whether they take a value."""
    options = [option for option in cli.params if isinstance(option, click.Option) and not option.is_eager]
    return {name: not (option.is_flag or option.count) for option in options for name in option.opts}


def _value(name: str, word: str | None) -> str:
    if word is None:
        raise click.BadOptionUsage(name, f"Option {name!r} requires an argument.")
    return word


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete

    return shell_complete(cli, {}, PROGRAM, COMPLETION_VARIABLE, instruction)


def _explained(error: BaseException, shell: Shell) -> int:
    """Say what happened, and return the status for it."""
    if isinstance(error, BrokenPipeError):
        return NOBODY_READS
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if shell.debug:
        import traceback

        _say("".join(traceback.format_exception(error)).rstrip())
    message, status = _line(error)
    _say(f"{PROGRAM}: {' '.join(message.split())}")
    return status


def _say(text: str) -> None:
    """To standard error; where that cannot be written, there is nobody left to tell."""
    with suppress(OSError):
        click.echo(redact_text(text), err=True)


def _line(error: BaseException) -> tuple[str, int]:
    if isinstance(error, RookeryError):
        return str(error), error.exit_status
    if isinstance(error, Terminated):
        return "terminated", TERMINATED
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", INTERRUPTED
    if isinstance(error, click.ClickException):
        return _usage(error), error.exit_code
    if isinstance(error, BaseExceptionGroup):
        return _group(error)
    if isinstance(error, SystemExit):
        return str(error), error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}", FAILED
    return f"unexpected {type(error).__name__}: {error} (--debug shows where)", FAILED


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" See `{context.command_path} --help`." if context else ""
    return f"{_complaint(error)}{hint}"


def _complaint(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand) and error.possibilities:
        return f"{error.message.rstrip('.')}; did you mean {error.possibilities[0]}?"
    return f"{_NUMBERS.sub(_number, error.format_message()).rstrip('.')}."


def _number(found: re.Match[str]) -> str:
    """Click says of `--limit x` that it is not a valid integer range."""
    return "a whole number" if found[1] == "integer" else "a number"


def _group(group: BaseExceptionGroup[BaseException]) -> tuple[str, int]:
    """The first of several failures speaks for all; interrupted ones come first."""
    leaves = _leaves(group)
    first = next((leaf for leaf in leaves if isinstance(leaf, KeyboardInterrupt)), leaves[0])
    message, status = _line(first)
    return message if len(
        leaves
    ) == 1 else f"{message} (and {len(leaves) - 1} more; --debug shows all)", status


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


def _make_output_writable() -> None:
    """A closed stream swallows what is written; characters a terminal doesn't know are written as escapes."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _let_go_of_output() -> None:
    """Leave nothing for the interpreter to flush at its end, where it could only complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
