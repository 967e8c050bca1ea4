"""`rookery tasks artifacts`, which main.py adds to the group of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.files import list_artifacts, output_option, send
from rookery.faces.cli.output import json_option, pass_rook

if TYPE_CHECKING:
    from rookery.app import Rook


@click.command("artifacts")
@click.argument("task_id", metavar="TASK")
@click.argument("name", metavar="[FILE]", required=False)
@output_option
@json_option
@pass_rook
def artifacts(rook: Rook, task_id: str, name: str | None, output: Path | None, *, as_json: bool) -> None:
    """List the files that a task has left on this machine; or write out one of them."""
    if name is not None:
        send(rook.tasks.read_artifact(task_id, name), output)
        return
    list_artifacts(rook.tasks.artifacts(task_id), as_json=as_json, empty="This task has left no files here.")
