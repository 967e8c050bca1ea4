"""`rookery backup` and `rookery reach`."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.backups.cli.strangers import password_file_option, port_option, stranger
from rookery.faces.cli.leaving import say_who_does
from rookery.faces.cli.output import (
    Column,
    Styled,
    current_shell,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)
from rookery.faces.cli.statusline import StatusLine, has_status_line

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.backups.service import Captured, Report

COLOURS = {"failed": "red", "changed": "yellow"}
NOBODY = "No device fits. Add one: rookery devices add r1 10.0.0.1 --platform ios"
WIDEST = len("unchanged")


@click.command("backup")
@click.argument("devices", metavar="[DEVICE]…", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All devices that are enabled.")
@click.option("--tag", metavar="TAG", help="All with this tag.")
@click.option("--filter", "filter_", metavar="FILTER", help="All that a filter chooses.")
@click.option("--failed", "failed_only", is_flag=True, help="Of these, those whose last backup failed.")
@click.option("--detach", is_flag=True, help="Leave it to a worker, as one task for each device.")
@click.option("--accept-shrunken", is_flag=True, help="Keep one that has lost more than half of its lines.")
@click.option("--platform", metavar="NAME", help="For USER@HOST that is not in the inventory.")
@port_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Of USER@HOST: to this file."
)
@password_file_option
@json_option
@pass_rook
@click.pass_context
def backup(
    context: click.Context,
    rook: Rook,
    /,
    devices: tuple[str, ...],
    *,
    platform: str | None,
    port: int | None,
    output: Path | None,
    password_file: Path | None,
    as_json: bool,
    **choice: Any,
) -> None:
    """Collect configurations, and keep what has changed.

    DEVICE is one of the inventory. USER@HOST with --platform is any: its configuration is printed, with its
    secrets, and nothing is kept. Exits 1 when a device failed.
    """
    if platform is not None:
        _print_one(rook, devices, platform, port, password_file, output)
        return
    filter_ = _chosen(devices, choice)
    if choice["detach"]:
        _leave(rook, "backups.run", devices, filter_, as_json=as_json)
        return
    with Watching() as watching:
        watching.total = len(devices) or rook.devices.count(filter_)
        report = rook.backups.run(
            filter_, names=devices, failed_only=choice["failed_only"],
            accept_shrunken=choice["accept_shrunken"], on_device=watching.heard,
        )  # fmt: skip
    if as_json:
        emit_json(report)
    else:
        _show(report)
    context.exit(1 if report.count("failed") else 0)


def _leave(rook: Rook, task_type: str, devices: tuple[str, ...], filter_: str, *, as_json: bool) -> None:
    for name in devices:
        rook.devices.get(name)  # who is mistyped is said now, not by a worker at night
    task_id = rook.tasks.submit_task(task_type, {"filter": filter_, "devices": devices})
    if as_json:
        emit_json({"task_id": task_id})
    else:
        click.echo(task_id)
    say_who_does(rook, [task_id])


def _chosen(devices: tuple[str, ...], choice: dict[str, Any]) -> str:
    ways = [bool(devices), choice["is_all"], choice["tag"] is not None, choice["filter_"] is not None]
    if not any(ways) and not choice["failed_only"]:
        raise click.UsageError("Say which: a DEVICE, --tag TAG, --filter FILTER or --all.")
    if sum(ways) > 1:
        raise click.UsageError("Give devices, --tag, --filter or --all: one of these.")
    return f'tag:"{choice["tag"]}"' if choice["tag"] is not None else choice["filter_"] or ""


class Watching:
    """Says on standard error what became of each device, and how far it is."""

    def __init__(self) -> None:
        self.total = 0
        self._done = 0
        self._lock = Lock()
        self._quiet = current_shell().quiet
        self._line = StatusLine() if has_status_line() and not self._quiet else None

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._line is not None:
            self._line.hide()

    def heard(self, done: Captured) -> None:
        """Called from many threads."""
        with self._lock:
            self._done += 1
            if self._line is not None:
                self._line.hide()
            if not self._quiet and done.status != "unchanged":
                click.echo(_line(done), err=True)
            if self._line is not None:
                self._line.show(
                    100 * self._done / max(self.total, 1), f"{self._done} of {self.total} devices"
                )


def _line(done: Captured) -> str:
    word = click.style(f"{done.status:<{WIDEST}}", fg=COLOURS.get(done.status))
    return f"{word}  {printable(done.device)}  {printable(_what(done))}".rstrip()


def _what(done: Captured) -> str:
    if done.status == "changed":
        return f"version {done.version}, +{done.added} -{done.removed}"
    return done.reason


def _show(report: Report) -> None:
    if not report.devices:
        note(NOBODY)
        return
    for code, failed in report.failures.items():
        names = ", ".join(each.device for each in failed[:5]) + (" …" if len(failed) > 5 else "")
        note(f"{code}: {len(failed)} ({printable(names)})")
    words = ("changed", "unchanged", "failed", "skipped")
    counted = [f"{report.count(word)} {word}" for word in words if report.count(word)]
    noun = "device" if len(report.devices) == 1 else "devices"
    click.echo(f"{len(report.devices)} {noun}: {', '.join(counted)}")
    if report.count("failed"):
        note("Only those again: rookery backup --failed")


def _print_one(
    rook: Rook,
    devices: tuple[str, ...],
    platform: str,
    port: int | None,
    password_file: Path | None,
    output: Path | None,
) -> None:
    if len(devices) != 1 or "@" not in devices[0]:
        raise click.UsageError("--platform is for one USER@HOST; a device of the inventory has its own.")
    rook.devices.platform(platform)  # what is mistyped is said before anybody is asked for a password
    one = stranger(devices[0], port, password_file)
    text = rook.backups.peek(one.host, platform, one.username, one.password, port=one.port)
    if output is None:
        click.echo(text, nl=False)
        return
    output.touch(mode=0o600)
    output.write_text(text, encoding="utf-8")
    note(f"{output} is written: {text.count(chr(10))} lines, secrets included.")


@click.command("reach")
@click.argument("devices", metavar="[DEVICE]…", nargs=-1)
@click.option("--filter", "filter_", metavar="FILTER", default="", help="Those that a filter chooses.")
@click.option(
    "--credential", metavar="NAME", default="", help="Test this login, and no other, whatever its tags."
)
@click.option("--detach", is_flag=True, help="Leave it to workers, a task for each device.")
@json_option
@pass_rook
@click.pass_context
def reach(
    context: click.Context, rook: Rook, devices: tuple[str, ...], filter_: str, credential: str,
    *, detach: bool, as_json: bool,
) -> None:  # fmt: skip
    """Log in on devices and hang up: which ones answer.

    Without DEVICE, all. Exits 1 when one could not be reached.
    """
    if detach:
        _leave_logins(rook, devices, filter_, credential, as_json=as_json)
        return
    found = rook.backups.reach(filter_, names=devices, credential=credential)
    if as_json:
        emit_list(found)
    else:
        columns = (
            Column("device", whole=True),
            Column("reached", whole=True),
            "prompt",
            Column("seconds", right=True),
        )
        table(columns, map(_reached, found), empty=NOBODY)
    context.exit(1 if any(each.status == "failed" for each in found) else 0)


def _leave_logins(
    rook: Rook, devices: tuple[str, ...], filter_: str, credential: str, *, as_json: bool
) -> None:
    if credential:
        raise click.UsageError("A worker tries the logins that match: leave out --credential or --detach.")
    _leave(rook, "backups.reach_all", devices, filter_, as_json=as_json)


def _reached(each: Captured) -> list[object]:
    is_there = each.status != "failed"
    word = Styled("yes", "green") if is_there else Styled("no", "bold red")
    return [each.device, word, each.reason, f"{each.seconds:.1f}"]
