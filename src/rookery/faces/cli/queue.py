"""`rookery queue`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import SHOWN_ID, Column, emit_json, json_option, note, pass_rook, table, took

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.mechanisms.tasks.looking import QueueHealth


@click.group()
def queue() -> None:
    """The queue of tasks as a whole: how it is, and what is wrong with it."""


@queue.command("health")
@json_option
@click.pass_context
@pass_rook
def health(rook: Rook, context: click.Context, *, as_json: bool) -> None:
    """Show what waits, who works, what is wrong.

    Exits 1 when something is wrong.
    """
    from rookery.mechanisms.tasks.document import health_document

    found = rook.tasks.health()
    if as_json:
        emit_json(health_document(found))
    else:
        _show(found)
    context.exit(1 if found.problems else 0)


def _show(found: QueueHealth) -> None:
    _tasks(found)
    _workers(found)
    if found.oldest_s:
        note(f"The next task has waited for {took(1000 * found.oldest_s)}.")
    for problem in found.problems:
        note(f"Problem: {problem}")
    if not found.problems:
        note(f"No problem found (queue.backend is {found.backend}).")


def _tasks(found: QueueHealth) -> None:
    rows = [
        [type_, *(f"{by_status.get(status, 0):,}" for status in found.counts)]
        for type_, by_status in sorted(found.types.items())
    ]
    columns = [Column("tasks"), *(Column(status, right=True, whole=True) for status in found.counts)]
    table(columns, rows, empty="No task has been submitted yet.")


def _workers(found: QueueHealth) -> None:
    from rookery.base.clock import now_us

    if found.types and found.workers:
        click.echo("")
    columns = [
        Column("worker", whole=True),
        Column("host"),
        Column("pid", right=True, whole=True),
        Column("at once", right=True, whole=True),
        Column("seen", right=True, whole=True),
        Column("types", cut=True),
    ]
    rows = [
        [each.id[:SHOWN_ID], each.host, each.pid, each.concurrency,
         f"{took((now_us() - each.seen_us) / 1000)} ago", ", ".join(each.types)]
        for each in found.workers
    ]  # fmt: skip
    table(columns, rows, empty="No worker runs: rookery worker")
