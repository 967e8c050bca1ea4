"""Reading templates from disk: files, folders, and the installed sets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from rookery.base.config import Templates as Policy
from rookery.base.garbage import no_collecting
from rookery.domains.templates.cache import TemplateCache
from rookery.domains.templates.errors import NoTemplates, SignatureRefused, TemplatesNotFound
from rookery.domains.templates.files import find_files, read_file, template_files
from rookery.domains.templates.payloadfiles import LibraryFiles
from rookery.domains.templates.places import CHECKS, LONGEST_PATH, SHIPPED, find, installed, is_there
from rookery.domains.templates.rules import Selection, Selector, Skipped, select
from rookery.domains.templates.signatures import Gate
from rookery.domains.templates.workflows import with_workflows
from rookery.mechanisms.engine import (
    Template,
    TemplateError,
    UnsupportedTemplate,
)


@dataclass(frozen=True, slots=True)
class Library:
    """Templates that run, files that don't with their reasons, and warnings about the former, a line each.

    `unsigned` says, a line each, for how many templates the policy of signatures wants a warning.
    """

    templates: tuple[Template, ...]
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()

    def select(self, selector: Selector) -> Selection:
        """What the selector wants of it; all the others with their reasons."""
        chosen = select(self.templates, selector)
        return Selection(chosen.templates, (*self.skipped, *chosen.skipped), self.unsigned)


def load_shipped() -> Library:
    """The templates that come with Rookery."""
    return load([SHIPPED])


def open_library(
    paths: Iterable[Path] = (),
    data_dir: Path | None = None,
    policy: Policy | None = None,
    *,
    lenient: bool = False,
    include_tags: Iterable[str] = (),
) -> Library:
    """The templates of these paths, as `find` finds them; without any, all that are installed.

    Of the installed ones with the same id, the user's own comes before a shipped one. `policy` is the
    configured [templates]. Raises as `load`, and TrustedKeyUnusable.
    """
    policy, roots = policy or Policy(), installed(data_dir)
    cache = TemplateCache(data_dir / "cache" / "templates" if data_dir else None)
    named = find(paths, data_dir)
    desk = Desk(cache, Gate(policy.unsigned, policy.trusted_keys), roots)
    library = load(named or roots, desk, lenient=lenient, include_tags=include_tags)
    return library if named else _one_of_each_id(library)


def _one_of_each_id(library: Library) -> Library:
    chosen: dict[str, Template] = {}
    shown: list[Template] = []
    hidden: list[Skipped] = []
    for template in library.templates:
        other = chosen.setdefault(template.id, template)
        if other is not template and Path(template.path).is_relative_to(SHIPPED):
            hidden.append(Skipped(template.path, f"another template has its id: {other.path}"))
        else:
            shown.append(template)
    return replace(library, templates=tuple(shown), skipped=(*library.skipped, *hidden))


@dataclass(frozen=True, slots=True)
class Desk:
    """How files are read: quickly where the cache knows them, past the gate, with the payload files of roots.

    `roots` are folders that hold a whole library: a file of one may use payload files anywhere in it.
    """

    cache: TemplateCache = field(default_factory=TemplateCache)
    gate: Gate | None = None
    roots: tuple[Path, ...] = ()

    def load(self, path: str | Path, folder: Path | None = None) -> Template:
        """The template in a file, which was found in a folder or named itself."""
        path = str(path)
        data = read_file(path)
        if self.gate is not None and not (_lies_in(path, SHIPPED) or _lies_in(path, CHECKS)):
            self.gate.admit(data, path)
        return self.cache.load(data, path=path, files=self.files(path, folder))

    def files(self, path: str | Path, folder: Path | None) -> LibraryFiles:
        """The payload files that a template may use."""
        return LibraryFiles(next((root for root in self.roots if _lies_in(str(path), root)), folder))


def _lies_in(path: str, folder: Path) -> bool:
    return path.startswith(f"{folder}{os.sep}")


def load(
    paths: Iterable[Path],
    desk: Desk | None = None,
    *,
    cache: Path | None = None,
    lenient: bool = False,
    include_tags: Iterable[str] = (),
) -> Library:
    """The templates in these files and, recursively, folders; each file once, in a stable order.

    A file that was named itself must be right: TemplateError, UnsupportedTemplate or SignatureRefused. What
    is wrong in a folder is skipped with its reason. TemplatesNotFound when a path does not exist, NoTemplates
    when nothing can be run. `lenient` skips what is named, too, down to nothing, for another program may run
    it. `include_tags` lets workflows run what is excluded by default. Signatures only count where the desk
    has a gate; what ships needs none. `cache` is the folder in which a desk of one's own keeps what was read.
    """
    desk = desk or Desk(TemplateCache(cache))
    templates: dict[str, Template] = {}
    skipped: dict[str, Skipped] = {}
    paths = tuple(paths)
    with no_collecting():
        for path in paths:
            _refuse_missing(path)
            if path.is_dir():
                _load_folder(path, templates, skipped, desk)
            elif lenient:
                _load_file((str(path), os.path.realpath(path)), None, templates, skipped, desk)
            else:
                templates[os.path.realpath(path)] = desk.load(path)
    named = () if lenient else paths
    templates = with_workflows(templates, skipped, named, desk.load, include_tags)
    desk.cache.save()
    if not templates and not lenient:
        raise NoTemplates(_nothing_to_run(skipped))
    warnings = tuple(warning for template in templates.values() for warning in template.warnings)
    unsigned = desk.gate.unsigned if desk.gate else ()
    return Library(tuple(templates.values()), tuple(skipped.values()), warnings, unsigned)


def each_file(paths: Iterable[Path]) -> Iterator[tuple[Path, Path | None]]:
    """Every template file in these files and folders, once, and the folder it was found in.

    TemplatesNotFound when a path does not exist.
    """
    seen: set[Path] = set()
    for path in paths:
        _refuse_missing(path)
        folder = path if path.is_dir() else None
        for file in template_files(folder, []) if folder else [path]:
            whole = file.resolve()
            if whole not in seen:
                seen.add(whole)
                yield file, folder


def _refuse_missing(path: Path) -> None:
    if not is_there(path):
        raise TemplatesNotFound(f"There is no template file or folder {str(path)[:LONGEST_PATH]}.")


def _load_folder(
    folder: Path, templates: dict[str, Template], skipped: dict[str, Skipped], desk: Desk
) -> None:
    closed: list[OSError] = []
    for place in find_files(folder, closed):
        _load_file(place, folder, templates, skipped, desk)
    for refusal in closed:
        reason = f"invalid: cannot be read: {refusal.strerror}"
        skipped[refusal.filename] = Skipped(refusal.filename, reason)


def _load_file(
    place: tuple[str, str],
    folder: Path | None,
    templates: dict[str, Template],
    skipped: dict[str, Skipped],
    desk: Desk,
) -> None:
    """A file at a path, of which the second word is the real one."""
    path, whole = place
    try:
        templates[whole] = desk.load(path, folder)
    except (TemplateError, UnsupportedTemplate, SignatureRefused) as error:
        skipped[whole] = Skipped(path, _reason(error))


def _reason(error: TemplateError | UnsupportedTemplate | SignatureRefused) -> str:
    if isinstance(error, TemplateError):
        place = f"line {error.line}: " if error.line else ""
        return f"invalid: {place}{error.reason}"
    return f"not run: {error.reason}"


def _nothing_to_run(skipped: dict[str, Skipped]) -> str:
    if not skipped:
        return "There is no template (*.yaml) in what was given."
    first = next(iter(skipped.values()))
    return f"None of the {len(skipped)} templates can be run; the first, {first.path}: {first.reason}."
