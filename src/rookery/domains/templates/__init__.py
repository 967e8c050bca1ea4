"""Templates: which checks there are, which of them a scan runs, and why the others are left out.

library.py reads files and folders, places.py knows where they lie; rules.py selects; signatures.py says who
signed what; survey.py what can be said of a file; sync.py installs a set. The format is mechanisms/engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """The names above, when they are first asked for: reading templates imports the engine, which is slow."""
    for home in ("rules", "library"):
        module = import_module(f"{__name__}.{home}")
        if name in __all__ and hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
