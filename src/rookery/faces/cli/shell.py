"""What the command line knows while a command runs: its options, the settings, a Rook when it needs one."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.base.config import Loaded

P = ParamSpec("P")
T = TypeVar("T")


class Shell:
    """The options before the command; found by `context.find_object(Shell)`."""

    data_dir: Path | None = None
    config_file: Path | None = None
    debug: bool = False
    quiet: bool = False
    verbosity: int = 0
    colour: bool | None = None  # None: wherever there is a terminal

    def choose_colour(self, *, refused: bool) -> None:
        """--no-color, NO_COLOR, FORCE_COLOR and TERM=dumb, the first that speaks."""
        if refused or os.environ.get("NO_COLOR"):
            self.colour = False
        elif os.environ.get("FORCE_COLOR"):
            self.colour = True
        elif os.environ.get("TERM") == "dumb":
            self.colour = False

    @cached_property
    def loaded(self) -> Loaded:
        """The settings; loading them starts logging. Raises ConfigError."""
        from rookery.base.config import load_config
        from rookery.base.logging import start_logging

        loaded = load_config(self.config_file, data_dir=self.data_dir and self.data_dir.absolute())
        start_logging(self._level(loaded.config.logging.level), loaded.config.logging.format)
        return loaded

    def open(self) -> Rook:
        """A Rook on the configured data directory, acting for the user who runs this process."""
        from rookery import app

        return app.open(config=self.loaded.config)

    def _level(self, configured: str) -> str:
        if self.quiet:
            return "error"
        return ("info", "debug")[min(self.verbosity, 2) - 1] if self.verbosity else configured


def current_shell() -> Shell:
    """The shell of the command that is running; outside of one, a shell without options."""
    context = click.get_current_context(silent=True)
    return (context and context.find_object(Shell)) or Shell()


def pass_rook(command: Callable[Concatenate[Rook, P], T]) -> Callable[P, T]:
    """Give the command an open Rook as its first argument; it is closed when the command has ended."""

    def with_rook(*args: P.args, **kwargs: P.kwargs) -> T:
        rook: Any = click.get_current_context().with_resource(current_shell().open())
        return command(rook, *args, **kwargs)

    return update_wrapper(with_rook, command)
