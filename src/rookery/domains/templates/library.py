"""Reading templates from disk: files, folders, and the set that is shipped with Rookery."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rookery.domains.templates.errors import NoTemplates, TemplatesNotFound
from rookery.domains.templates.rules import Skipped
from rookery.mechanisms.engine import (
    LARGEST_DOCUMENT,
    Template,
    TemplateError,
    UnsupportedTemplate,
    load_template,
)

SHIPPED = Path(__file__).parent / "shipped"
ENDINGS = frozenset({".yaml", ".yml"})
LONGEST_PATH = 200  # characters shown of one


@dataclass(frozen=True, slots=True)
class Library:
    """Templates that run, files that don't with their reasons, and warnings about the former, a line each."""

    templates: tuple[Template, ...]
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def skipped_by_reason(self) -> dict[str, int]:
        """How many files were skipped for each reason, the most frequent first."""
        return dict(Counter(skipped.reason for skipped in self.skipped).most_common())


def load_shipped() -> Library:
    """The templates that come with Rookery."""
    return load([SHIPPED])


def load(paths: Iterable[Path]) -> Library:
    """The templates in these files and, recursively, folders; each file once, in a stable order.

    A file that was named itself must be right: TemplateError or UnsupportedTemplate. What is wrong in a
    folder is skipped with its reason. TemplatesNotFound when a path does not exist, NoTemplates when nothing
    can be run.
    """
    templates: dict[Path, Template] = {}
    skipped: dict[Path, Skipped] = {}
    for path in paths:
        if not _exists(path):
            raise TemplatesNotFound(f"There is no template file or folder {str(path)[:LONGEST_PATH]}.")
        if path.is_dir():
            _load_folder(path, templates, skipped)
        else:
            templates[path.resolve()] = _load_file(path)
    if not templates:
        raise NoTemplates(_nothing_to_run(skipped))
    warnings = tuple(warning for template in templates.values() for warning in template.warnings)
    return Library(tuple(templates.values()), tuple(skipped.values()), warnings)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _load_folder(folder: Path, templates: dict[Path, Template], skipped: dict[Path, Skipped]) -> None:
    closed: list[OSError] = []
    for path in _template_files(folder, closed):
        try:
            templates[path.resolve()] = _load_file(path)
        except TemplateError as error:
            place = f"line {error.line}: " if error.line else ""
            skipped[path.resolve()] = Skipped(str(path), f"invalid: {place}{error.reason}")
        except UnsupportedTemplate as error:
            skipped[path.resolve()] = Skipped(str(path), f"not run: {error.reason}")
    for refusal in closed:
        reason = f"invalid: cannot be read: {refusal.strerror}"
        skipped[Path(refusal.filename)] = Skipped(refusal.filename, reason)


def _template_files(folder: Path, closed: list[OSError]) -> list[Path]:
    """The template files at any depth; `closed` gets the folders that cannot be looked into."""
    folders = os.walk(folder, onerror=closed.append)
    paths = sorted(Path(place, name) for place, _, names in folders for name in names)
    return [path for path in paths if path.suffix in ENDINGS and path.is_file()]


def _load_file(path: Path) -> Template:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}", path=str(path)) from None
    return load_template(data, path=str(path))


def _nothing_to_run(skipped: dict[Path, Skipped]) -> str:
    if not skipped:
        return "There is no template (*.yaml) in what was given."
    first = next(iter(skipped.values()))
    return f"None of the {len(skipped)} templates can be run; the first, {first.path}: {first.reason}."
