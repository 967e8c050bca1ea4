"""Text that is bytes: every string the engine matches or sends holds one character per byte (Latin-1).

Go's strings are bytes, so len(), regexes and words in templates mean bytes. Here a byte is a character below
256: bodies are decoded as Latin-1, and template text is turned from UTF-8 into the same form. Lengths,
non-UTF-8 bodies and binary matchers then agree with nuclei without a second set of types.
"""

from __future__ import annotations

from functools import lru_cache

LONG, LONGEST = 1 << 10, 256 << 10  # characters of a text that is worth being remembered


def narrow(text: str) -> str:
    """Unicode text as one character per byte of its UTF-8 form."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def widen(text: str) -> str:
    """The Unicode text people read, from one character per byte; bytes that are no UTF-8 become U+FFFD."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


def to_bytes(text: str) -> bytes:
    """The bytes that a string of the engine stands for."""
    return _long_bytes(text) if LONG <= len(text) <= LONGEST else text.encode("latin-1", "replace")


def lower(text: str) -> str:
    """The text in lower case."""
    return _long_lower(text) if LONG <= len(text) <= LONGEST else text.lower()


# A page that many templates look at is one string: these know it by its hash, which Python keeps with it.
@lru_cache(maxsize=8)
def _long_bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


@lru_cache(maxsize=8)
def _long_lower(text: str) -> str:
    return text.lower()
