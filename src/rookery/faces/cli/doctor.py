"""`rookery doctor`: what is installed, reachable and writable, with a fix for each 'no'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import click

from rookery.base.errors import ConfigError
from rookery.base.redact import redact_text
from rookery.faces.cli import checks
from rookery.faces.cli.checks import Check
from rookery.faces.cli.output import current_shell, emit_json, json_option, printable

COLOURS = {"ok": "green", "note": None, "warning": "yellow", "no": "red"}


@click.command()
@click.option("--strict", is_flag=True, help="Count warnings as problems.")
@json_option
@click.pass_context
def doctor(context: click.Context, *, strict: bool, as_json: bool) -> None:
    """Check this installation, and say how to fix what is wrong.

    Changes nothing. The exit status is 1 when there is a problem.
    """
    answers = [_redacted(check) for check in examine()]
    problems = [check for check in answers if check.state == "no" or (strict and check.state == "warning")]
    if as_json:
        emit_json({"ok": not problems, "checks": [check._asdict() for check in answers]})
    else:
        _show(answers, len(problems))
    context.exit(1 if problems else 0)


def examine() -> Iterator[Check]:
    """Every answer, in order; without readable settings, those that need none."""
    try:
        loaded = current_shell().loaded
    except ConfigError as error:
        yield from checks.machine()
        yield Check("settings", "no", str(error), "correct it, then run this again for the other checks")
    else:
        yield from chain(checks.machine(), checks.installation(loaded))


def _redacted(check: Check) -> Check:
    return check._replace(found=redact_text(check.found))


def _show(answers: Iterable[Check], problems: int) -> None:
    for check in answers:
        state = click.style(f"{check.state:<8}", fg=COLOURS[check.state])
        click.echo(f"{state}{check.name:<15} {printable(check.found)}")
        if check.fix and check.state != "ok":
            click.echo(f"{'':<8}{'':<15} → {check.fix}")
    click.echo(f"{problems} problem{'' if problems == 1 else 's'}" if problems else "no problem found")
