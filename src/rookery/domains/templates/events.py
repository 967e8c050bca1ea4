"""What templates announce: other checks are run from now on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TemplatesSynced:
    """A set of templates was installed, in place of the one before."""

    source: str
    templates: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class TemplatesRolledBack:
    """The set of templates from before was installed again."""

    templates: int
    added: int
    changed: int
    removed: int


EVENTS = (TemplatesSynced, TemplatesRolledBack)
