"""Text that is bytes: every string the engine matches or sends holds one character per byte (Latin-1).

Go's strings are bytes, so len(), regexes and words in templates mean bytes. Here a byte is a character below
256: bodies are decoded as Latin-1, and template text is turned from UTF-8 into the same form. Lengths,
non-UTF-8 bodies and binary matchers then agree with nuclei without a second set of types.
"""

from __future__ import annotations


def narrow(text: str) -> str:
    """Unicode text as one character per byte of its UTF-8 form."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def widen(text: str) -> str:
    """The Unicode text people read, from one character per byte; bytes that are no UTF-8 become U+FFFD."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


def to_bytes(text: str) -> bytes:
    """The bytes that a string of the engine stands for."""
    return text.encode("latin-1", "replace")
