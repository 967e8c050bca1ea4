"""Texts that somebody else keeps, such as stored configurations: a port, supplied by the composition root."""

from __future__ import annotations

from typing import Protocol


class Texts(Protocol):
    """Read in threads; survives being pickled."""

    def names(self, wanted: str) -> list[str]:
        """The names of the texts that a person means by this. Raises a RookeryError for none."""
        ...

    def read(self, name: str) -> bytes | None:
        """A text; None when there is none of that name."""
        ...
