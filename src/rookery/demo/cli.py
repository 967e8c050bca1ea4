"""`rookery demo`: the main job on something real, and what to try next."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import current_shell, note

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.demo.server import WeakServer

PORT = 8471


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any free one."
)
@click.option("--keep", is_flag=True, help="Leave the web server running until Ctrl-C.")
def demo(*, port: int, keep: bool) -> None:
    """Scan a deliberately weak web server, which runs on this machine and only here.

    Keeps its data apart from yours, in the folder demo of the data directory, or in --data-dir.
    """
    from rookery import app
    from rookery.base.config import Config
    from rookery.demo.server import WeakServer

    shell = current_shell()
    folder = shell.loaded.config.data_dir if shell.data_dir else shell.loaded.config.data_dir / "demo"
    app.prepare_data_dir(folder)
    with app.open(config=Config(data_dir=folder), actor=app.default_actor()) as rook:
        server = WeakServer(port=port)
        _started(rook, server)
        try:
            _show(rook, server.url)
            _what_next(folder, server.url if keep else None)
            if keep:
                _wait_for_ctrl_c()
        finally:
            rook.wait_for(server.__aexit__, None, None, None)


def _started(rook: Rook, server: WeakServer) -> None:
    try:
        rook.wait_for(server.__aenter__)
    except OSError as error:
        raise click.UsageError(
            f"The demo's web server cannot listen: {error.strerror}; try --port 0."
        ) from error


def _show(rook: Rook, url: str) -> None:
    from rookery.domains.scans.cli import summarise
    from rookery.domains.scans.display import Display
    from rookery.domains.scans.plan import ScanPlan

    note(f"A deliberately weak web server listens on {url}. Scanning it:\n")
    with Display("lines") as display:
        result = rook.scans.run(ScanPlan(endpoints=(url,)), hooks=display.hooks)
    note("")
    summarise(result)
    verdict = rook.audit.verify()
    state = "intact" if verdict.is_intact else "BROKEN"
    note(f"The audit log says who did it, and is {state}: {verdict.entries} entries, signed and chained.")


def _what_next(folder: Path, kept: str | None) -> None:
    program = Path(sys.argv[0])
    name = str(program) if program.parent != Path() and program.name != "__main__.py" else "rookery"
    here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    rookery = f"{name} --data-dir {shlex.quote(str(here))}"
    note("\nNow try:")
    for what, command in (
        ("what is weak, the worst first", "findings list"),
        ("the same for a program", "findings list --severity critical --json"),
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
