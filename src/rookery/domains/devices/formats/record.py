"""A device as it stands in a list."""

from __future__ import annotations

from typing import Any, NamedTuple

KIND = "type"


class Record(NamedTuple):
    """Where it stands, its parts, and what is said of it that has no place here.

    `kind` is of what type it is said to be: in some lists that is its platform, in others what it is for.
    """

    place: str
    parts: dict[str, Any]
    ignored: tuple[str, ...] = ()
    kind: str = ""


YES = {"1", "true", "yes", "on", "up", "active", "enabled"}


def is_yes(text: object) -> bool:
    """Whether a list says yes."""
    return str(text).strip().lower() in YES


def port_of(text: object) -> int | str | None:
    """A port; what is no number is left for validation to refuse."""
    word = str(text if text is not None else "").strip()
    if not word:
        return None
    return int(word) if word.isascii() and word.isdigit() else word


def words_of(text: object) -> tuple[str, ...]:
    """Tags, from a list or from text with commas, semicolons or blanks between them."""
    if isinstance(text, list | tuple):
        return tuple(str(each) for each in text)
    return tuple(str(text or "").replace(",", " ").replace(";", " ").split())
