"""`rookery worker`: does tasks until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.metrics import metrics_options, metrics_served
from rookery.faces.cli.output import SHOWN_ID, current_shell, note

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.queue import AnyWorker

STOPS = "Nothing more is taken; what runs has {grace:g} s to end. Once more: it is given back at once.\n"
ENDS = "What runs is given back.\n"


def _names(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    names = [name.strip() for each in value for name in each.split(",") if name.strip()]
    return names or None


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="So many tasks at once [queue.concurrency].",
)
@click.option("--types", multiple=True, callback=_names, metavar="TYPE,…", help="Only tasks of these types.")
@click.option("--drain", is_flag=True, help="End when nothing is left that could run now.")
@metrics_options
@click.pass_context
def worker(
    context: click.Context,
    *,
    concurrency: int | None,
    types: list[str] | None,
    drain: bool,
    metrics_port: int | None,
    metrics_host: str,
) -> None:
    """Do tasks, and fire schedules, until Ctrl-C or SIGTERM.

    Each attempt is a line of the log. What runs at the end has queue.grace seconds; at a second signal it is
    given back at once, for another worker to go on with. Several may run: on one data directory, or on one
    PostgreSQL database.
    """
    from rookery import app

    rook = context.with_resource(current_shell().open())
    own = app.worker_of(rook, concurrency=concurrency, only=types, drains=drain)
    with metrics_served(rook, own.measures, metrics_port, metrics_host):
        note(f"Worker {own.presence.id[:SHOWN_ID]} does {own.concurrency} at once. Ctrl-C ends it in order.")
        with _attempts_logged(), _stopped_by_signals(own, rook.config.queue.grace):
            own.run()
    note(_summary(own.measures.attempts))


@contextmanager
def _attempts_logged() -> Iterator[None]:
    """Our own loggers say what is done, also where that is not asked for; libraries stay as they are."""
    shell, ours = current_shell(), logging.getLogger("rookery")
    before = ours.level
    if not (shell.quiet or shell.verbosity):
        ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(before)


@contextmanager
def _stopped_by_signals(own: AnyWorker, grace: float) -> Iterator[None]:
    """SIGINT and SIGTERM stop the worker, unless whoever started this process has them ignored."""
    said = iter((STOPS.format(grace=grace), ENDS))

    def stop(_number: int, _frame: FrameType | None) -> None:
        own.stop()
        _tell(next(said, ""))

    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(text: str) -> None:
    """Past the buffers of standard error, which a signal handler may have interrupted."""
    if not current_shell().quiet:
        with suppress(OSError):
            os.write(sys.stderr.fileno(), text.encode())


def _summary(attempts: Counter[tuple[str, str]]) -> str:
    by_outcome: Counter[str] = Counter()
    for (_type, outcome), count in attempts.items():
        by_outcome[outcome] += count
    counted = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(by_outcome.items()))
    return f"The worker has ended: {counted or 'there was nothing to do'}."
