"""A scan as its user watches it: findings on standard output as they come, the rest on standard error."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import Any, Literal, Self

import click
import msgspec

from rookery.domains.findings.items import Vulnerability
from rookery.faces.cli.output import Shell, current_shell, note, printable
from rookery.mechanisms.hooks import Error, Hooks, Item, Progress, Warning_, hooks_from

PLAIN_PROGRESS_EVERY = 10.0  # seconds
COLOURS: dict[str, dict[str, Any]] = {
    "critical": {"fg": "white", "bg": "red", "bold": True},
    "high": {"fg": "red", "bold": True},
    "medium": {"fg": "yellow"},
}
WIDEST_SEVERITY = len("critical")


class Display:
    """Hooks that show a run. `rows` keeps the findings for `--json`."""

    def __init__(self, form: Literal["lines", "jsonl", "json"]) -> None:
        self._form = form
        self._shell = current_shell()  # hooks are called in another thread, which has no click context
        self._open = ExitStack()
        self._bar: Any = None
        self._said_at = time.monotonic()
        self._found = 0
        self._reader_left: BrokenPipeError | None = None
        self.rows: list[dict[str, Any]] = []
        self.hooks: Hooks = hooks_from({"on_item": self._show})

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._shell.quiet:
            self._bar = self._open.enter_context(_progress_bar(self._shell))
            self._task = self._bar.add_task("asking the targets", total=100)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._open.close()
        if self._reader_left is not None:
            raise self._reader_left
        if kind is KeyboardInterrupt:
            note(f"Interrupted. What was found until now is kept: {self._found}.")

    def _show(self, _runner: object, item: Item) -> None:
        if isinstance(item, Vulnerability):
            self._found += 1
            self._finding(item)
        elif isinstance(item, Progress):
            self._progress(item)
        elif isinstance(item, Error | Warning_):
            self._say(f"{item._type}: {printable(item.message)}")

    def _finding(self, item: Vulnerability) -> None:
        row = as_row(item)
        if self._form == "json":
            self.rows.append(row)
        elif self._reader_left is None:
            self._print(item, row)

    def _print(self, item: Vulnerability, row: dict[str, Any]) -> None:
        try:
            self._echo(msgspec.json.encode(row).decode() if self._form == "jsonl" else self._line(item))
        except BrokenPipeError as error:  # `| head` has seen enough; the run goes on, its findings are kept
            self._reader_left = error

    def _line(self, item: Vulnerability) -> str:
        colours = COLOURS.get(item.severity, {})
        severity = click.style(item.severity.ljust(WIDEST_SEVERITY), **colours)
        extracted = f"  [{', '.join(map(printable, item.extracted))[:200]}]" if item.extracted else ""
        name = printable(item.name) + (f" ({printable(item.matcher)})" if item.matcher else "")
        return f"{severity}  {name}  {printable(item.matched_at)}{extracted}"

    def _echo(self, line: str) -> None:
        if self._bar is not None and sys.stdout.isatty():
            # On one terminal, only the bar can make room above itself.
            plain = click.unstyle(line) if self._shell.colour is False else line
            self._bar.console.out(plain, highlight=False)
        else:
            click.echo(line, color=self._shell.colour)

    def _progress(self, item: Progress) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=item.percent, description=item.detail)
        elif not self._shell.quiet and time.monotonic() - self._said_at > PLAIN_PROGRESS_EVERY:
            self._said_at = time.monotonic()
            self._say(f"{item.percent:.0f} %, {item.detail}, {self._found} findings")

    def _say(self, line: str) -> None:
        if self._bar is None:
            click.echo(line, err=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def as_row(item: Vulnerability) -> dict[str, Any]:
    """A finding as `--json` and `--jsonl` show it."""
    return {
        "finding_id": item.finding_id,
        "template_id": item.template_id,
        "name": item.name,
        "severity": item.severity,
        "target": item.target,
        "matched_at": item.matched_at,
        "matcher": item.matcher,
        "extracted": item.extracted,
        "tags": item.tags,
        "run_id": item.run_id,
    }


def _progress_bar(shell: Shell) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=shell.colour is False)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)
