"""How a password comes in: asked for on a terminal, or from standard input; never as an argument."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rookery.domains.users.rules import LONGEST_PASSWORD

C = TypeVar("C", bound=Callable[..., Any])


def password_option(command: C) -> C:
    """The option `--password-stdin`, given to the command as `from_stdin`."""
    return click.option(
        "--password-stdin",
        "from_stdin",
        is_flag=True,
        help="Its first line is the password.",
    )(command)


def new_password(*, from_stdin: bool) -> str:
    """A password; a usage error when there is nobody to be asked for it."""
    if from_stdin:
        return sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked: give --password-stdin.")
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return text
