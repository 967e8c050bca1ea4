"""`rookery spool`: what was accepted and is not stored yet, as it lies on the disk."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import click

from rookery.base.errors import NotFound
from rookery.faces.cli.output import Column, current_shell, emit_jsonl, emit_list, json_option, note, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rookery.mechanisms.writebehind.looking import Found


class SpoolNotFound(NotFound):
    """There is no such stream: see `rookery spool ls`."""


@click.group()
def spool() -> None:
    """What waits on this disk to be stored."""


@spool.command("ls")
@json_option
@click.pass_context
def list_(context: click.Context, *, as_json: bool) -> None:
    """List what each process has left, or still writes, and check it; exits 1 on any damage.

    What a dead process left is stored by the next command that opens the database.
    """
    found = list(_found())
    if as_json:
        emit_list(_document(one) for one in found)
    else:
        columns = [
            Column("queue"),
            Column("stream", whole=True),
            Column("writer", whole=True),
            Column("waiting", right=True, whole=True),
            Column("bytes", right=True, whole=True, spare=True),
        ]
        rows = [
            (one.name, one.stream, "alive" if one.is_alive else "dead", len(one.waiting), one.bytes)
            for one in found
        ]
        table(columns, rows, empty="Nothing waits: all that was accepted is stored.")
        for fault in (fault for one in found for fault in one.faults):
            note(fault)
    context.exit(1 if any(one.faults for one in found) else 0)


@spool.command()
@click.argument("stream")
def cat(stream: str) -> None:
    """Print what waits in one STREAM, a line of JSON each: its number, and `text`, or `base64`.

    The beginning of the stream's name is enough.
    """
    chosen = [one for one in _found() if one.stream.startswith(stream)]
    if len(chosen) != 1:
        raise SpoolNotFound
    emit_jsonl(_record(seq, payload) for seq, payload in chosen[0].waiting)


def _found() -> Iterator[Found]:
    from rookery.mechanisms.writebehind.looking import look

    return look(current_shell().loaded.config.data_dir / "spool")


def _document(one: Found) -> dict[str, Any]:
    return one._asdict() | {"waiting": len(one.waiting)}


def _record(seq: int, payload: bytes) -> dict[str, Any]:
    try:
        return {"seq": seq, "text": payload.decode()}
    except UnicodeDecodeError:
        return {"seq": seq, "base64": base64.b64encode(payload).decode()}
