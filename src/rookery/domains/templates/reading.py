"""Looking at templates without running them: one, with all it says; or many, with a verdict on each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from rookery.domains.templates.errors import TemplateNotFound, TemplatesNotFound
from rookery.domains.templates.files import read_file
from rookery.domains.templates.library import Desk, each_file
from rookery.domains.templates.places import LONGEST_PATH, find, installed
from rookery.domains.templates.signatures import Trust
from rookery.domains.templates.survey import Surveyed, survey, survey_file
from rookery.domains.templates.workflows import Collection
from rookery.mechanisms.engine.header import read_header


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One template. `info` is what it says of itself, `blocks` its requests as written, by protocol."""

    file: Surveyed
    info: dict[str, Any]
    blocks: dict[str, list[dict[str, Any]]]


def look_at(paths: Sequence[Path], data_dir: Path, keys: Sequence[Path]) -> list[Surveyed]:
    """What can be said of every file at these paths, or of the installed ones."""
    roots = installed(data_dir)
    return survey(find(paths, data_dir) or roots, Trust(keys), Desk(roots=roots))


def show(name: str, data_dir: Path, keys: Sequence[Path]) -> Shown:
    """One template by id or path. Raises TemplateNotFound, or TemplateError where it is none."""
    path = file_of(name, data_dir)
    header = read_header(read_file(path), path=str(path))
    desk = Desk(roots=installed(data_dir))
    return Shown(
        file=survey_file(path, Trust(keys), desk.files(path, None), Collection({}, desk.load)),
        info=msgspec.to_builtins(header.info),
        blocks=header.blocks,
    )


def file_of(name: str, data_dir: Path) -> Path:
    """The file of the installed template with this id, or else the one at this path.

    Raises TemplateNotFound.
    """
    id_line = re.compile(rb"^id: *['\"]?%s['\"]?\s*(?:#.*)?$" % re.escape(name.encode()), re.MULTILINE)
    for path, _ in each_file(installed(data_dir)):
        if id_line.search(read_file(path)):
            return path
    try:
        [(path, _)] = each_file(find([Path(name)], data_dir))
    except (TemplatesNotFound, ValueError):
        raise TemplateNotFound(
            f"No template has the id {name[:LONGEST_PATH]}, and no file this path. "
            "`rookery templates list` shows the ids."
        ) from None
    return path
