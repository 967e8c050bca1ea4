"""A scan as its user watches it: findings on standard output as they come, the rest on standard error."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Self

import click
import msgspec

from rookery.domains.findings.items import Vulnerability
from rookery.faces.cli.output import current_shell, note, printable
from rookery.faces.cli.statusline import StatusLine, has_status_line
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
        self._status: StatusLine | None = None
        self._said_at = time.monotonic()
        self._found = 0
        self._unwritten: OSError | None = None
        self.rows: list[dict[str, Any]] = []
        self.hooks: Hooks = hooks_from({"on_item": self._show})

    def __enter__(self) -> Self:
        if has_status_line() and not self._shell.quiet:
            self._status = StatusLine()
            self._status.show(0, "asking the targets")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if self._status is not None:
            self._status.hide()
        if self._unwritten is not None:
            raise self._unwritten
        if kind is not None and issubclass(kind, KeyboardInterrupt):
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
        elif self._unwritten is None:
            with self._aside():
                self._print(item, row)

    def _print(self, item: Vulnerability, row: dict[str, Any]) -> None:
        line = msgspec.json.encode(row).decode() if self._form == "jsonl" else self._line(item)
        try:
            click.echo(line, color=self._shell.colour)
        except OSError as error:  # `| head` has seen enough, a disk is full: the run goes on and keeps all
            self._unwritten = error

    def _line(self, item: Vulnerability) -> str:
        colours = COLOURS.get(item.severity, {})
        severity = click.style(item.severity.ljust(WIDEST_SEVERITY), **colours)
        extracted = f"  [{', '.join(map(printable, item.extracted))[:200]}]" if item.extracted else ""
        name = printable(item.name) + (f" ({printable(item.matcher)})" if item.matcher else "")
        return f"{severity}  {name}  {printable(item.matched_at)}{extracted}"

    def _progress(self, item: Progress) -> None:
        if self._status is not None:
            self._status.show(item.percent, f"{item.detail}, {self._found} findings")
        elif not self._shell.quiet and time.monotonic() - self._said_at > PLAIN_PROGRESS_EVERY:
            self._said_at = time.monotonic()
            self._say(f"{item.percent:.0f} %, {item.detail}, {self._found} findings")

    def _say(self, line: str) -> None:
        with self._aside():
            click.echo(line, err=True)

    def _aside(self) -> AbstractContextManager[None]:
        return nullcontext() if self._status is None else self._status.aside()


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
