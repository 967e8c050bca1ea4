"""Files on the command line: what work has left is listed, shown or saved; what is written is whole."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rookery.faces.cli.output import Column, emit_list, note, printable, table

if TYPE_CHECKING:
    from rookery.mechanisms.artifacts import Artifact

C = TypeVar("C", bound=Callable[..., Any])


def output_option(command: C) -> C:
    """The option `--output`, a path or None."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write to this file, whole or not at all, instead of standard output.",
    )(command)


def list_artifacts(artifacts: Iterable[Artifact], *, as_json: bool, empty: str) -> None:
    """Name the files that some work has left."""
    from rookery.base.clock import from_us

    rows = [(each.name, each.size, from_us(each.changed_us)) for each in artifacts]
    if as_json:
        emit_list({"name": name, "size": size, "changed": at.isoformat()} for name, size, at in rows)
        return
    columns = [Column("file"), Column("bytes", right=True, whole=True), Column("changed (utc)", whole=True)]
    table(columns, [(name, size, f"{at:%Y-%m-%d %H:%M:%S}") for name, size, at in rows], empty=empty)


def send(pieces: Iterable[bytes], output: Path | None) -> None:
    """To a file, or to standard output: as it is, unless that is a terminal, which must not obey it."""
    if output is not None:
        save(pieces, output)
    elif sys.stdout.isatty():
        text = codecs.getincrementaldecoder("utf-8")("replace")
        for piece in pieces:
            click.echo("\n".join(map(printable, text.decode(piece).split("\n"))), nl=False)
    else:
        for piece in pieces:
            click.echo(piece, nl=False)


def save(pieces: Iterable[bytes], output: Path) -> None:
    """Write a file, whole or not at all, and say so."""
    try:
        with NamedTemporaryFile("wb", dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
            try:
                file.writelines(pieces)
                file.flush()
                Path(file.name).replace(output)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise click.FileError(str(output), hint=error.strerror or str(error)) from error
    note(f"Written to {output}.")
