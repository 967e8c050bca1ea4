"""`rookery platforms test|learn`: what is said of a kind of device, on one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.domains.backups.cli.strangers import host_named, password_file_option, port_option
from rookery.faces.cli.output import (
    Column,
    Styled,
    emit_json,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.backups.probing.service import Learnt, Trial
    from rookery.domains.backups.probing.trial import Step

STYLES = {"ok": "green", "doubtful": "yellow", "wrong": "bold red"}
MOST_SHOWN = 5
"""Platforms that a device may be like."""
STEPS = (Column("phase", whole=True), "command", Column("verdict", whole=True), "what came of it")


@click.command("test")
@click.argument("names", metavar="[NAME]…", nargs=-1)
@click.option("--on", "host", metavar="HOST", help="Do what one says on a device, or on USER@HOST.")
@port_option
@password_file_option
@json_option
@pass_rook
@click.pass_context
def test(
    context: click.Context, rook: Rook, names: tuple[str, ...], host: str | None, port: int | None,
    password_file: Path | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Check the files of platforms: all of your own, or those named.

    With --on, try one on a device, phase by phase: whether it lets you in, which prompt it shows, what each
    command brings, whether the end is seen, and how much is noise or secret. Nothing is kept. Exits 1 when
    something is wrong.
    """
    if host is None:
        context.exit(0 if _are_right(rook, names) else 1)
    if len(names) != 1:
        raise click.UsageError("--on is for one platform: give its NAME.")
    trial = rook.backups.try_platform(names[0], host_named(host, port, password_file))
    if as_json:
        emit_json(trial)
    else:
        _show(trial)
    context.exit(0 if trial.is_right else 1)


def _are_right(rook: Rook, names: tuple[str, ...]) -> bool:
    from rookery.base.errors import RookeryError
    from rookery.domains.devices.library import Library

    library = Library(rook.data_dir)
    chosen = names or library.own_names()
    if not chosen:
        note(f"You have no platforms of your own in {rook.data_dir / 'platforms'}.")
    is_right = True
    for name in chosen:
        try:
            platform = library.get(name)
            click.echo(f"{platform.name}: right ({platform.title})")
        except RookeryError as error:
            is_right = False
            click.echo(f"{name}: {error}", err=True)
    return is_right


def _show(trial: Trial) -> None:
    table(STEPS, map(_row, trial.steps))
    for step in trial.steps:
        if step.seen:
            note(f"{step.command or step.phase}: the last it showed was {printable(step.seen)}")


def _row(step: Step) -> list[object]:
    return [step.phase, step.command, Styled(step.verdict, STYLES[step.verdict]), step.detail]


@click.command("learn")
@click.argument("host", metavar="HOST")
@port_option
@password_file_option
@click.option("--save", metavar="NAME", help="Keep the draft as a platform of your own.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The draft to this file."
)
@json_option
@pass_rook
def learn(
    rook: Rook, host: str, port: int | None, password_file: Path | None, save: str | None,
    output: Path | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Draft a platform for a device: one of the inventory, or USER@HOST.

    Logs in, asks what only shows something, such as `show version`, and says which known platforms the device
    is like, and why. Like none, it tries what turns pages off. The draft is printed; nothing else is kept.
    """
    learnt = rook.backups.learn(host_named(host, port, password_file))
    if as_json:
        emit_json(learnt)
    else:
        _tell(learnt)
    if save is not None:
        platform = rook.devices.add_platform(save, learnt.draft)
        note(f"{platform.origin} is written. Try it: rookery platforms test {save} --on {host}")
    if output is not None:
        output.write_text(learnt.draft, encoding="utf-8")
    if not (as_json or save or output):
        click.echo(learnt.draft, nl=False)


def _tell(learnt: Learnt) -> None:
    if learnt.broken_off:
        note(f"It broke off after {len(learnt.asked)} questions: {printable(learnt.broken_off)}")
    if not learnt.likenesses:
        note("It is like no platform that is known.")
    for each in learnt.likenesses[:MOST_SHOWN]:
        note(printable(f"{each.platform} ({each.title}), {each.score:g}: {'; '.join(each.reasons)}"))
