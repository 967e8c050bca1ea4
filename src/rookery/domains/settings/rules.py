"""What keys and values of settings may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from rookery.base.config import sections, settings
from rookery.base.config_sources import Entry
from rookery.base.config_values import convert
from rookery.base.redact import is_secret_key, redact
from rookery.base.structs import ready
from rookery.domains.settings.errors import SettingNotFound, SettingNotValid

Kind = Literal["text", "integer", "number", "boolean", "list"]

LONGEST_KEY: Final = 80
LONGEST_TEXT: Final = 10_000
LONGEST_LIST: Final = 1_000
_LARGEST: Final = 2**53 - 1  # the largest whole number that every reader of JSON takes for what it is
_TYPES: Final[dict[str, Any]] = {
    "text": Annotated[str, Meta(max_length=LONGEST_TEXT)],
    "integer": Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)],
    "number": float,
    "boolean": bool,
    "list": Annotated[list[Annotated[str, Meta(max_length=LONGEST_TEXT)]], Meta(max_length=LONGEST_LIST)],
}
_IN_WORDS: Final = {
    "text": f"at most {LONGEST_TEXT:,} characters",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
}
_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of people's own: what it takes, what it is until somebody sets it, and what it is for."""

    key: str
    kind: Kind = "text"
    default: Any = ""
    description: str = ""


def valid(declared: Declared) -> Declared:
    """The same, its default of its kind. Raises SettingNotValid."""
    key, category = declared.key, category_of(declared.key)
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise SettingNotValid(f"{key[:LONGEST_KEY]!r}: write a key as category.name, in a-z, 0-9 and _.")
    if category in sections():
        raise SettingNotValid(f"{key}: the settings in {category} are Rookery's own; take another category.")
    if is_secret_key(key):
        raise SettingNotValid(f"{key} sounds like a secret, and settings are not sealed: keep a credential.")
    if declared.kind not in get_args(Kind):
        raise SettingNotValid(f"{key}: a kind is one of {', '.join(get_args(Kind))}, not {declared.kind!r}.")
    if not declared.description.isprintable() or len(declared.description) > LONGEST_TEXT:
        raise SettingNotValid(f"{key}: a description is one line of at most {LONGEST_TEXT:,} characters.")
    return msgspec.structs.replace(declared, default=of_kind(key, declared.kind, declared.default))


def category_of(key: str) -> str:
    """The part before the first dot; what has none is general."""
    return key.partition(".")[0] if "." in key else "general"


def of_kind(key: str, kind: str, value: Any) -> Any:
    """A value of a declared kind; a text may spell out any of them. Raises SettingNotValid."""
    if kind == "list" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        typed = msgspec.convert(value, ready(_TYPES[kind]), strict=not isinstance(value, str))
    except msgspec.ValidationError:
        typed = None
    if typed is None or (kind == "number" and abs(typed) == float("inf")) or typed != typed:
        raise SettingNotValid(f"{key} must be {in_words(kind)}, not {_shown(value)}.")
    return typed


def in_words(kind: str) -> str:
    """What a declared kind takes."""
    return _IN_WORDS[kind]


def of_rookery(key: str, value: Any) -> Any:
    """A value of one of Rookery's own settings; a text may spell it out. Raises ConfigError."""
    return convert(Entry(key, value, "settings", Path(), is_text=isinstance(value, str)), settings())


def masked(key: str, value: Any) -> Any:
    """A value for everybody's eyes."""
    return redact({key: value})[key]


def unknown(key: str, known: Iterable[str]) -> SettingNotFound:
    """What to raise for a key that is not among these."""
    return SettingNotFound(f"There is no setting {key[:LONGEST_KEY]}; {did_you_mean(key, known)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of these, as a question."""
    return f"did you mean {get_close_matches(name, list(known), n=1, cutoff=0)[0]}?"


def _shown(value: Any) -> str:
    text = str(redact(value))
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
