"""Write the reference pages that come from the code: `python -m scripts.reference`.

A test compares them with the files, so that a setting, command or error without its place in the docs fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import click

import rookery
from rookery.base import errors
from rookery.base.config import sections, settings
from rookery.base.config_values import Setting
from rookery.base.errors import RookeryError
from rookery.faces.cli.main import cli

PAGES = Path(__file__).parents[1] / "docs/reference"
GENERATED = "<!-- Written by `python -m scripts.reference` from the code: change it there. -->"

SETTINGS_INTRODUCTION = """\
How to set them, and which source wins: [configure Rookery](../howto/configure.md).
What holds on a machine, and why: `rookery settings get --origin`."""

CLI_INTRODUCTION = """\
Data goes to standard output, everything else to standard error.

| exit status | means |
|---|---|
| 0 | done |
| 1 | failed, or `doctor` found a problem |
| 2 | the command line, a setting or other input is wrong |
| 3 | not allowed |
| 4 | partly failed |
| 5 | not found |
| 6 | conflict: it changed meanwhile, or exists already |
| 7 | a server, file or disk is unavailable |
| 8 | findings at or above `--fail-on` |
| 124 | `--timeout` |
| 130 | interrupted |
| 141 | nobody reads the output |
| 143 | terminated (SIGTERM); what was under way is ended in order, as with 130 |"""

ERRORS_INTRODUCTION = """\
Every error has a stable code. On the command line it is one line and an exit status; in Python a class,
each below one of the kinds in `rookery.errors`."""


def settings_page() -> Iterator[str]:
    """Every setting: meaning, what it takes, default, variable."""
    yield "# Settings"
    yield SETTINGS_INTRODUCTION
    section = ""
    for setting in settings().values():
        name, _, _ = setting.key.rpartition(".")
        if name != section:
            yield f"## [{name}]"
            yield sections()[name].__doc__ or ""
            section = name
        yield f"### {setting.key}"
        yield setting.description
        yield "\n".join(_facts(setting))


def _facts(setting: Setting) -> Iterator[str]:
    yield f"- takes: {setting.allowed}"
    yield f"- default: {_default(setting)}"
    yield f"- variable: `{setting.variable}`"
    if setting.is_runtime:
        yield "- can be set while Rookery runs"


def _default(setting: Setting) -> str:
    if setting.key == "data_dir":
        return "`$XDG_DATA_HOME/rookery`; for root, `/var/lib/rookery`; else the platform's place for data"
    if setting.default in (None, ()):
        return "not set"
    return f"`{str(setting.default).lower() if isinstance(setting.default, bool) else setting.default}`"


def cli_page() -> Iterator[str]:
    """Every command with its help text."""
    yield "# Commands"
    yield CLI_INTRODUCTION
    names = cli.context_settings["help_option_names"]
    yield from _command(cli, click.Context(cli, None, "rookery", terminal_width=80, help_option_names=names))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}"
    yield f"```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner and not inner.hidden:
                yield from _command(inner, click.Context(inner, context, name))


def errors_page() -> Iterator[str]:
    """Every error by its code, under its kind."""
    yield "# Errors"
    yield ERRORS_INTRODUCTION
    for kind in kinds():
        yield f"## {kind.__name__}: exit status {kind.exit_status}"
        yield _first_line(kind)
        for error in _below(kind):
            yield f"### {error.code}"
            yield f"{_first_line(error)} (`{error.__module__}.{error.__name__}`)"


def kinds() -> list[type[RookeryError]]:
    """The classes of base/errors.py, in their order."""
    return [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RookeryError)
    ]


def all_errors() -> set[type[RookeryError]]:
    """Every class of the tree, in every module of the package."""
    for module in walk_packages(rookery.__path__, "rookery."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    return {error for error in _descendants(RookeryError) if error.__module__.startswith("rookery.")}


def _descendants(kind: type[RookeryError]) -> Iterator[type[RookeryError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _below(kind: type[RookeryError]) -> list[type[RookeryError]]:
    """The errors whose nearest kind this is, by code."""
    others = all_errors() - set(kinds())
    found = [error for error in others if next(k for k in error.__mro__ if k in kinds()) is kind]
    return sorted(found, key=lambda error: error.code)


def _first_line(error: type) -> str:
    return (error.__doc__ or "").partition("\n")[0]


PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "errors.md": errors_page,
}


def page(name: str) -> str:
    """The text of one page."""
    return "\n\n".join([GENERATED, *(part for part in PARTS[name]() if part)]) + "\n"


def main() -> None:
    """Write every page."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        (PAGES / name).write_text(page(name), encoding="utf-8")


if __name__ == "__main__":
    main()
