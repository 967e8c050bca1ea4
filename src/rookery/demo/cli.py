"""`rookery demo`: the main job on something real, and what to try next."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import sleep
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import current_shell, note
from rookery.faces.cli.statusline import StatusLine, has_status_line

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.demo.server import WeakServer
    from rookery.domains.findings.models import Finding
    from rookery.domains.scans.plan import ScanResult

PORT = 8471
LOOK_SECONDS = 0.1
"""Between two looks at how far the scan is."""


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), help=f"0: any free one; so it is where {PORT} is taken."
)
@click.option("--keep", is_flag=True, help="Leave the web server running until Ctrl-C.")
def demo(*, port: int | None, keep: bool) -> None:
    """Scan a deliberately weak web server, which runs on this machine and only here.

    Then back up three simulated devices, one of which somebody changes. Keeps its data apart from yours, in
    the folder demo of the data directory, or in --data-dir.
    """
    from rookery import app
    from rookery.base.config import Config
    from rookery.foundations import prepare_data_dir

    shell = current_shell()
    folder = shell.loaded.config.data_dir if shell.data_dir else shell.loaded.config.data_dir / "demo"
    prepare_data_dir(folder)
    with app.open(config=Config(data_dir=folder), actor=app.default_actor()) as rook:
        server = _started(rook, port)
        try:
            run_id = _show(rook, server.url)
            _show_devices(rook)
            _show_audit(rook)
            _what_next(folder, run_id, server.url if keep else None)
            if keep:
                _wait_for_ctrl_c()
        finally:
            rook.wait_for(server.__aexit__, None, None, None)


def _started(rook: Rook, port: int | None) -> WeakServer:
    """The server on the port that was asked for; where none was, the usual one, or any if that is taken."""
    from rookery.demo.server import WeakServer

    server = WeakServer(port=PORT if port is None else port)
    try:
        return rook.wait_for(server.__aenter__)
    except OSError as error:
        if port is None:
            return _started(rook, 0)
        reason = os.strerror(error.errno) if error.errno else error
        raise click.UsageError(f"Port {port} cannot be listened on: {reason}; try --port 0.") from error


def _show(rook: Rook, url: str) -> str:
    """Scan it, and show what was found; the id of the run."""
    from rookery.domains.scans.cli.scan import summarise

    note(f"A deliberately weak web server listens on {url}. A worker in this process scans it:\n")
    result = _scanned(rook, url)
    for finding in rook.findings.list(run_id=result.run_id):
        click.echo(_line(finding), color=current_shell().colour)
    note("")
    summarise(result)
    return result.run_id


def _show_devices(rook: Rook) -> None:
    """Back up three devices twice, and show what somebody has changed on one of them meanwhile."""
    from rookery.demo.devices import NAMES, change_one, devices
    from rookery.domains.backups.cli.reading import show_difference
    from rookery.domains.scans.plan import ScanPlan

    names = ", ".join(NAMES)
    note(f"\nThree simulated devices, {names}, are backed up. Somebody changes one; the next backup shows:\n")
    with devices(rook) as simulated:
        show_difference(change_one(rook, simulated))
    note("\nAnd what is weak in its configuration now:\n")
    result = rook.scans.submit_scan(ScanPlan(endpoints=(f"device:{NAMES[-1]}",)))
    for finding in rook.findings.list(run_id=result.run_id):
        click.echo(_line(finding), color=current_shell().colour)


def _show_audit(rook: Rook) -> None:
    verdict = rook.audit.verify()
    state = "intact" if verdict.is_intact else "BROKEN"
    note(f"\nThe audit log says who did it, and is {state}: {verdict.entries} entries, signed and chained.")


def _scanned(rook: Rook, url: str) -> ScanResult:
    """Leave the scan to the queue, and wait for it beside the worker that does it."""
    from rookery import app
    from rookery.domains.scans.plan import ScanPlan
    from rookery.mechanisms.tasks.worker.embedded import embedded

    with embedded(app.worker_of(rook, concurrency=1)):
        task_id = rook.scans.submit_scan_async(ScanPlan(endpoints=(url,)))
        try:
            return _waited_for(rook, task_id)
        except BaseException:
            rook.tasks.cancel_task(task_id)  # the worker would go on until its grace is over
            raise


def _waited_for(rook: Rook, task_id: str) -> ScanResult:
    line = StatusLine() if has_status_line() else None
    while (result := rook.scans.get_scan_result(task_id)) is None:
        task = rook.tasks.get_task(task_id)
        if line is not None:
            percent = 100 * (task.done or 0) / (task.total or 1)
            line.show(percent, task.message or f"the task is {task.status}")
        sleep(LOOK_SECONDS)
    if line is not None:
        line.hide()
    return result


def _line(finding: Finding) -> str:
    from rookery.domains.findings.rules import Severity
    from rookery.domains.scans.cli.display import line

    return line(
        Severity(finding.severity).word,
        finding.name,
        finding.matcher,
        finding.matched_at,
        json.loads(finding.extracted),
    )


def _what_next(folder: Path, run_id: str, kept: str | None) -> None:
    program = Path(sys.argv[0])
    name = str(program) if program.parent != Path() and program.name != "__main__.py" else "rookery"
    here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    rookery = f"{name} --data-dir {shlex.quote(str(here))}"
    note("\nNow try:")
    for what, command in (
        ("what is weak, the worst first", "findings list"),
        ("the same for a program", "findings list --severity critical --json"),
        ("decide about one, once and for all", "findings triage --help"),
        ("a report for people", "findings export --format html -o report.html"),
        ("what this run covered", "runs show " + run_id[:13]),
        ("what was on that device before", "config edge1 --version -1"),
        ("who did what, when", "audit list"),
        ("has anybody edited that?", "audit verify"),
        ("is this installation sound?", "doctor"),
        ("scan it yourself, from another terminal", f"scan {kept}")
        if kept
        else ("leave the weak server running, to scan it yourself", "demo --keep"),
    ):
        note(f"  # {what}\n  {rookery} {command}")


def _wait_for_ctrl_c() -> None:
    with suppress(KeyboardInterrupt):  # the way to end it, not a failure
        note("\nThe web server runs until Ctrl-C.")
        Event().wait()
    note("\nThe web server has stopped.")
