"""Which templates a scan runs. Pure: every template left out comes back with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from rookery.mechanisms.engine import Template  # which takes 0.1 s to import

EXCLUDED_TAGS = frozenset({"bruteforce", "dos", "fuzz", "intrusive"})  # they may harm what they look at

SeverityWord = Annotated[str, msgspec.Meta(pattern=r"(?i)^(unknown|info|low|medium|high|critical)$")]


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """Which templates are wanted, in nuclei's words. A field that is empty wants all, or excludes nothing.

    A template must have one of the `ids` (`*` and `?` stand for anything), one of the `tags`, one of the
    `authors`, one of the `severities`, one of the `protocols`, and nothing that is excluded; case does not
    matter. EXCLUDED_TAGS are excluded always; `include_tags` lets in what tags exclude, those by default as
    well. `exclude_templates` are files or folders.
    """

    ids: tuple[str, ...] = ()
    exclude_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    severities: tuple[SeverityWord, ...] = ()
    exclude_severities: tuple[SeverityWord, ...] = ()
    protocols: tuple[str, ...] = ()
    exclude_protocols: tuple[str, ...] = ()
    exclude_templates: tuple[Path, ...] = ()


EVERYTHING = Selector()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A template that is not run: its file, and why in one line."""

    path: str
    reason: str

    @property
    def is_broken(self) -> bool:
        """Whether the file is at fault, rather than not wanted or not supported."""
        return self.reason.startswith("invalid: ")

    @property
    def is_unread(self) -> bool:
        """Whether this engine makes nothing of the file; another one may."""
        return self.reason.startswith(("invalid: ", "not run: "))

    @property
    def described(self) -> str:
        """The reason, under which files are counted; a broken file is named."""
        return f"{self.path} {self.reason}" if self.is_broken else self.reason


@dataclass(frozen=True, slots=True)
class Selection:
    """What is run, in the given order, and what is not; `unsigned` as in a Library."""

    templates: tuple[Template, ...]
    skipped: tuple[Skipped, ...]
    unsigned: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of it: how many are not signed, and what workflows lack."""
        lacking = (f"{one.path}: {reason}" for one in self.templates for reason in one.missing)
        return (*self.unsigned, *lacking)


def select(templates: Iterable[Template], selector: Selector = EVERYTHING) -> Selection:
    """The templates that the selector wants, and the others with the first reason found against each."""
    rules = _Rules(selector)
    chosen: list[Template] = []
    skipped: list[Skipped] = []
    for template in templates:
        if reason := rules.reason_against(template):
            skipped.append(Skipped(template.path, reason))
        else:
            chosen.append(template)
    return Selection(tuple(chosen), tuple(skipped))


class _Rules:
    """A selector made quick to ask."""

    def __init__(self, selector: Selector) -> None:
        self.ids, self.exclude_ids = _lower(selector.ids), _lower(selector.exclude_ids)
        self.tags, self.authors = _lower(selector.tags), _lower(selector.authors)
        self.severities = _lower(selector.severities)
        self.exclude_severities = _lower(selector.exclude_severities)
        self.protocols = _lower(selector.protocols)
        self.exclude_protocols = _lower(selector.exclude_protocols)
        include = _lower(selector.include_tags)
        self.exclude_tags = _lower(selector.exclude_tags) - include
        self.default_tags = EXCLUDED_TAGS - include
        self.exclude_paths = frozenset(path.resolve() for path in selector.exclude_templates)

    def reason_against(self, template: Template) -> str:
        """Why this template is left out; nothing when it is not."""
        return self._unwanted(template) or self._excluded(template) or self._excluded_by_default(template)

    def _unwanted(self, template: Template) -> str:
        info = template.info
        if self.severities and info.severity not in self.severities:
            return "of another severity than asked for"
        if self.tags and self.tags.isdisjoint(info.tags):
            return "without a tag that was asked for"
        if self.ids and not _fits(template.id, self.ids):
            return "of another id than asked for"
        if self.authors and self.authors.isdisjoint(_lower(info.author)):
            return "of another author than asked for"
        if self.protocols and self.protocols.isdisjoint(template.protocols):
            return "of another protocol than asked for"
        return ""

    def _excluded(self, template: Template) -> str:
        info = template.info
        if info.severity in self.exclude_severities:
            return f"the severity {info.severity} is excluded"
        if tags := self.exclude_tags.intersection(info.tags):
            return f"the tag {min(tags)} is excluded"
        if self.exclude_ids and _fits(template.id, self.exclude_ids):
            return "its id is excluded"
        if protocols := self.exclude_protocols.intersection(template.protocols):
            return f"the protocol {min(protocols)} is excluded"
        if self.exclude_paths and _lies_in(template.path, self.exclude_paths):
            return "its file or folder is excluded"
        return ""

    def _excluded_by_default(self, template: Template) -> str:
        tags = self.default_tags.intersection(template.info.tags)
        return f"the tag {min(tags)} is excluded by default" if tags else ""


def _lower(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in words)


def _fits(template_id: str, patterns: frozenset[str]) -> bool:
    folded = template_id.lower()
    return folded in patterns or any(fnmatchcase(folded, pattern) for pattern in patterns)


def _lies_in(path: str, places: frozenset[Path]) -> bool:
    whole = Path(path).resolve()
    return whole in places or not places.isdisjoint(whole.parents)
