"""A scan as its user watches it: findings on standard output as they come, the rest on standard error."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Self

import click
import msgspec

from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans import items
from rookery.faces.cli.output import SHOWN_ID, current_shell, note, printable
from rookery.faces.cli.statusline import StatusLine, has_status_line
from rookery.mechanisms.hooks import Error, Hooks, Info, Item, Progress, Target, Warning_, hooks_from

PLAIN_PROGRESS_EVERY = 10.0  # seconds
COLOURS: dict[str, dict[str, Any]] = {
    "critical": {"fg": "white", "bg": "red", "bold": True},
    "high": {"fg": "red", "bold": True},
    "medium": {"fg": "yellow"},
}
WIDEST_SEVERITY = len("critical")


class Display:
    """Hooks that show a run. `rows` keeps what it found for `--json`; `seen` counts what is no finding."""

    def __init__(self, form: Literal["lines", "jsonl", "json"]) -> None:
        self._form = form
        self._shell = current_shell()  # hooks are called in another thread, which has no click context
        self._status: StatusLine | None = None
        self._said_at = time.monotonic()
        self._found = 0
        self._run_id = ""
        self._unwritten: OSError | None = None
        self.rows: list[dict[str, Any]] = []
        self.seen: Counter[str] = Counter()
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
            if self._run_id:
                note(f"Do the rest later: rookery scan --resume {self._run_id[:SHOWN_ID]}")

    def _show(self, runner: object, item: Item) -> None:
        if getattr(runner, "can_resume", False):
            self._run_id = str(item._context.get("run_id", ""))
        if isinstance(item, Vulnerability):
            self._found += 1
            said = line(item.severity, item.name, item.matcher, item.matched_at, item.extracted)
            self._show_row(as_row(item), said)
        elif isinstance(item, Progress):
            self._progress(item)
        elif isinstance(item, Error | Warning_):
            self._say(f"{item._type}: {printable(item.message)}")
        elif not isinstance(item, Target | Info):
            self.seen[item._type] += 1
            said = f"{item._type.ljust(WIDEST_SEVERITY)}  {printable(items.in_words(item))}"
            self._show_row(items.as_row(item), said)

    def _show_row(self, row: dict[str, Any], line: str) -> None:
        if self._form == "json":
            self.rows.append(row)
        elif self._unwritten is None:
            with self._aside():
                self._print(msgspec.json.encode(row).decode() if self._form == "jsonl" else line)

    def _print(self, line: str) -> None:
        try:
            click.echo(line, color=self._shell.colour)
        except OSError as error:  # `| head` has seen enough, a disk is full: the run goes on and keeps all
            self._unwritten = error

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


def line(severity: str, name: str, matcher: str, matched_at: str, extracted: Sequence[str]) -> str:
    """A finding as a person reads it."""
    styled = click.style(severity.ljust(WIDEST_SEVERITY), **COLOURS.get(severity, {}))
    values = f"  [{', '.join(map(printable, extracted))[:200]}]" if extracted else ""
    whole_name = printable(name) + (f" ({printable(matcher)})" if matcher else "")
    return f"{styled}  {whole_name}  {printable(matched_at)}{values}"


def as_row(item: Vulnerability) -> dict[str, Any]:
    """A finding as `--json` and `--jsonl` show it."""
    return {
        "_type": item._type,
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
