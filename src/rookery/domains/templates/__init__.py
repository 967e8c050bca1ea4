"""Templates: which checks there are, which of them a scan runs, and why the others are left out.

library.py reads files, folders and the shipped set; rules.py selects. The format itself is mechanisms/engine.
"""

from __future__ import annotations

from rookery.domains.templates.library import Library, load, load_shipped
from rookery.domains.templates.rules import EXCLUDED_TAGS, Selection, Skipped, select

__all__ = ["EXCLUDED_TAGS", "Library", "Selection", "Skipped", "load", "load_shipped", "select"]
