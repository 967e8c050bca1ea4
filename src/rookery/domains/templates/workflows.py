"""Where the templates of a workflow come from: paths, looked for upward, and tags, in the same collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from rookery.domains.templates.errors import SignatureRefused
from rookery.domains.templates.rules import EXCLUDED_TAGS, Skipped
from rookery.mechanisms.engine import (
    StepSpec,
    Template,
    TemplateError,
    UnsupportedTemplate,
    link_workflow,
)

ENDINGS = frozenset({".yaml", ".yml"})
WORKFLOWS = "workflows"
OLD_PATHS = ("http", "network")
PARTS = ("http", "dns", "network", "ssl", "file")  # folders beside that of a collection's workflows
MOST_FILES = 100_000  # of a collection that are looked at for their tags
TAGS = re.compile(rb"^[ \t]+tags:(.*(?:\n[ \t]+-.*)*)", re.MULTILINE)
BESIDE_OTHERS = "a workflow runs when its file, or a folder of workflows alone, is named"
BEGINNING = 64 << 10  # bytes of a file in which its tags are
WORD = re.compile(rb"[\w.-]+")

LoadFile = Callable[[Path, Path], Template]  # from the file, and the folder of its collection
Found = tuple[tuple[Template, ...], tuple[str, ...]]


@dataclass(slots=True)
class Collection:
    """The templates that a workflow may name: those that are `loaded` already, by their resolved path, and
    those that `load_file` reads."""

    loaded: Mapping[str, Template]
    load_file: LoadFile
    excluded: frozenset[str] = EXCLUDED_TAGS
    _read: dict[Path, Template | str] = field(default_factory=dict)
    _tags: dict[Path, dict[Path, frozenset[str]]] = field(default_factory=dict)

    def link(self, workflow: Template) -> Template:
        """The workflow with its templates. UnsupportedTemplate when none of the first can be run."""
        beside = Path(workflow.path).absolute().parent
        root = self._root(beside, workflow.workflow)
        return link_workflow(workflow, lambda step: self._found(step, beside, root))

    def _root(self, beside: Path, steps: tuple[StepSpec, ...]) -> Path:
        """The folder of the collection: where the paths of the workflow begin, else where it lies."""
        places = (_place(beside, step.template) for step in steps if step.template)
        return next((folder for place in places if place for folder, _ in [place]), _collection_at(beside))

    def _found(self, step: StepSpec, beside: Path, root: Path) -> Found:
        if not step.template:
            tagged = self._all(self._tagged(root, frozenset(step.tags)), root)
            return tagged if any(tagged) else ((), (f"{root} has no template with the tag {_or(step.tags)}",))
        place = _place(beside, step.template)
        if place is None:
            return (), (f"there is no template {step.template[:80]!r}",)
        files = (_files(each) if each.is_dir() else (each,) for each in place[1])
        return self._all(chain.from_iterable(files), root)

    def _all(self, paths: Iterator[Path], root: Path) -> Found:
        templates: list[Template] = []
        reasons: list[str] = []
        for path in paths:
            one = self._one(path, root)
            if isinstance(one, str):
                reasons.append(one)
            else:
                templates.append(one)
        return tuple(templates), tuple(reasons)

    def _one(self, path: Path, root: Path) -> Template | str:
        """The template in a file, or why it is not run."""
        known = path.resolve()
        if known not in self._read:
            self._read[known] = self._fresh(path, known, root)
        return self._read[known]

    def _fresh(self, path: Path, known: Path, root: Path) -> Template | str:
        try:
            template = self.loaded.get(str(known)) or self.load_file(path, root)
        except (TemplateError, UnsupportedTemplate, SignatureRefused) as error:
            return f"{path} is not run: {error.reason}"
        if template.workflow:
            return f"{path} is not run: it is a workflow itself"
        unwanted = sorted(self.excluded.intersection(template.info.tags))
        return f"{path} is not run: the tag {unwanted[0]} is excluded" if unwanted else template

    def _tagged(self, root: Path, tags: frozenset[str]) -> Iterator[Path]:
        """The files of a collection with one of these tags; each is read once, however many workflows ask."""
        if root not in self._tags:
            self._tags[root] = {path: _tags_of(path) for path in _files(root)}
        return (path for path, own in self._tags[root].items() if tags & own)


def with_workflows(
    templates: Mapping[str, Template],
    skipped: dict[str, Skipped],
    named: Iterable[Path],
    load_file: LoadFile,
    include_tags: Iterable[str] = (),
) -> dict[str, Template]:
    """Templates by their resolved path, workflows with theirs. Beside plain templates, a workflow that was
    not named itself is left out, for it runs what runs anyway. UnsupportedTemplate for a named one of which
    nothing can be run; others are `skipped`. `include_tags` lets in what is excluded by default."""
    own = frozenset(str(path.resolve()) for path in named)
    collection = Collection(templates, load_file, EXCLUDED_TAGS.difference(map(str.lower, include_tags)))
    has_others = not all(template.workflow for template in templates.values())
    chosen: dict[str, Template] = {}
    for path, template in templates.items():
        if template.workflow and has_others and path not in own:
            skipped[path] = Skipped(template.path, f"not run: {BESIDE_OTHERS}")
            continue
        try:
            chosen[path] = collection.link(template) if template.workflow else template
        except UnsupportedTemplate as error:
            if path in own:
                raise
            skipped[path] = Skipped(template.path, f"not run: {error.reason}")
    return chosen


def _or(tags: Iterable[str]) -> str:
    return " or ".join(tag[:80] for tag in tags)


def _place(beside: Path, name: str) -> tuple[Path, list[Path]] | None:
    """Where a path of a workflow begins, and where it leads: a folder above the workflow, and below that.

    `*` and `?` stand for anything in a name. As in nuclei, a path of the time before there were folders for
    protocols leads to that of http, or of network.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name or len(name) > 1000:
        return None
    for folder in (beside, *beside.parents):
        for before in ("", *OLD_PATHS):
            found = _matching(folder / before, path)
            within = [each for each in found if each.resolve().is_relative_to(folder.resolve())]
            if within:
                return folder, within
    return None


def _matching(folder: Path, path: PurePosixPath) -> list[Path]:
    """What a path names in a folder; one with wildcards only in folders that it begins with."""
    if not any(sign in str(path) for sign in "*?"):
        return [folder / path] if (folder / path).exists() else []
    if any(sign in path.parts[0] for sign in "*?") or not (folder / path.parts[0]).is_dir():
        return []
    return sorted(islice(folder.glob(str(path).replace("**", "*")), MOST_FILES))


def _collection_at(folder: Path) -> Path:
    """The collection that has a folder in its `workflows`; the folder itself, where there is none around."""
    above = next((each.parent for each in (folder, *folder.parents) if each.name == WORKFLOWS), folder)
    return above if any((above / part).is_dir() for part in PARTS) else folder


def _files(folder: Path) -> Iterator[Path]:
    """The template files below a folder, in a stable order; workflows are left out."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    return (path for path in paths[:MOST_FILES] if WORKFLOWS not in path.relative_to(folder).parts)


def _tags_of(path: Path) -> frozenset[str]:
    """The words beside `tags:` in the head of a file: a quick look, for most files are not wanted."""
    try:
        with path.open("rb") as file:
            head = file.read(BEGINNING)
    except OSError:
        return frozenset()
    found = TAGS.search(head)
    return frozenset(word.decode().lower() for word in WORD.findall(found[1])) if found else frozenset()
