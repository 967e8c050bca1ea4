"""What a scan would run, and what it would leave out, as programs see it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from rookery.domains.templates.rules import Selection
    from rookery.mechanisms.engine import Template


class TemplateInfo(msgspec.Struct, frozen=True):
    """A check in short."""

    id: str
    severity: str
    name: str
    protocols: tuple[str, ...]
    tags: tuple[str, ...]
    author: tuple[str, ...]
    path: str


class Listing(msgspec.Struct, frozen=True):
    """Which checks are chosen. `skipped` counts the others by the reason, the most frequent first; `warnings`
    are lines that a person should know: how many are not signed, and what workflows lack."""

    templates: tuple[TemplateInfo, ...]
    skipped: dict[str, int]
    warnings: tuple[str, ...]


def listing(selection: Selection) -> Listing:
    """A selection, told."""
    skipped = Counter(one.described for one in selection.skipped)
    return Listing(tuple(map(_info, selection.templates)), dict(skipped.most_common()), selection.warnings)


def _info(template: Template) -> TemplateInfo:
    info = template.info
    return TemplateInfo(
        template.id, info.severity, info.name, tuple(sorted(template.protocols)), tuple(info.tags),
        tuple(info.author), template.path,
    )  # fmt: skip
