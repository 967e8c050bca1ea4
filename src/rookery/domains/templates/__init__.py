"""Templates: which checks there are, which of them a scan runs, and why the others are left out.

library.py reads files and folders, places.py knows where they lie; rules.py selects; signatures.py says who
signed what; survey.py what can be said of a file; sync.py installs a set. The format is mechanisms/engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.base.lazy import homes_of, lazily

if TYPE_CHECKING:
    from rookery.domains.templates.library import Library, load, load_shipped, open_library
    from rookery.domains.templates.rules import EXCLUDED_TAGS, Selection, Selector, Skipped, select

__all__ = [
    "EXCLUDED_TAGS",
    "Library",
    "Selection",
    "Selector",
    "Skipped",
    "load",
    "load_shipped",
    "open_library",
    "select",
]


__getattr__ = lazily(
    __name__,
    homes_of(
        {
            "rookery.domains.templates.library": "Library load load_shipped open_library",
            "rookery.domains.templates.rules": "EXCLUDED_TAGS Selection Selector Skipped select",
        }
    ),
)
"""Reading templates imports the engine, which is slow."""
