"""Lists of names, written as one reads them."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The set of blank-separated names in a text."""
    return frozenset(text.split())
