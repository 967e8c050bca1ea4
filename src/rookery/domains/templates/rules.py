"""Which templates a scan runs. Pure: every template left out comes back with its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rookery.mechanisms.engine import Template

EXCLUDED_TAGS = frozenset({"bruteforce", "dos", "fuzz", "intrusive"})  # they may harm what they look at


@dataclass(frozen=True, slots=True)
class Skipped:
    """A template that is not run: its file, and why in one line."""

    path: str
    reason: str

    @property
    def is_broken(self) -> bool:
        """Whether the file is at fault, rather than not wanted or not supported."""
        return self.reason.startswith("invalid: ")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is run, in the given order, and what is not."""

    templates: tuple[Template, ...]
    skipped: tuple[Skipped, ...]


def select(
    templates: Iterable[Template],
    *,
    severities: Collection[str] = (),
    excluded_tags: Collection[str] = EXCLUDED_TAGS,
) -> Selection:
    """The templates of these severities (none given: of all) without an excluded tag."""
    chosen: list[Template] = []
    skipped: list[Skipped] = []
    for template in templates:
        reason = _reason(template, severities, excluded_tags)
        if reason:
            skipped.append(Skipped(template.path, reason))
        else:
            chosen.append(template)
    return Selection(tuple(chosen), tuple(skipped))


def _reason(template: Template, severities: Collection[str], excluded_tags: Collection[str]) -> str:
    if severities and template.info.severity not in severities:
        return "of another severity than asked for"
    unwanted = sorted(set(template.info.tags) & set(excluded_tags))
    return f"the tag {unwanted[0]} is excluded by default" if unwanted else ""
