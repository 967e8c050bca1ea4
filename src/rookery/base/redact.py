"""Redaction: secrets are masked by the name of their key, by registered value, and in URLs.

Nothing here knows where text goes: logging, the audit log, errors and `settings get` all call the same three
functions. `redact` costs about 1 µs for a flat dict of four keys, and returns its argument itself when there
is nothing to hide.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")

MASK = "***"
SHORTEST_SECRET = 4  # characters; masking every "a" in a text would tell more than it hides
DEEPEST = 64  # levels; what is nested deeper is masked whole rather than recursed into

SECRET_WORDS = frozenset(
    {
        "apikey",
        "authorization",
        "bearer",
        "community",
        "cookie",
        "cookies",
        "passphrase",
        "passwd",
        "password",
    }
    | {"passwords", "privatekey", "psk", "pwd", "secret", "secrets", "token", "tokens"}
)
SECRET_PAIRS = frozenset(
    {("api", "key"), ("access", "key"), ("encryption", "key"), ("private", "key"), ("signing", "key")}
    | {("vault", "key"), ("old", "key")}
)
SECRET_NAMES = frozenset({"enable"})  # an enable password; as a word within a name it is mostly a switch

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ATOMS = frozenset({int, float, bool, type(None)})

# A password runs to the last @ before the path. One with a slash in it runs to the first @, unless what
# looks like a password is a port. Every repeat is bounded by its own stop, or by number: linear time.
_URL_PASSWORD = re.compile(r"(://[^\s/?#:@\[]*):([^\s/?#]*|(?!\d{1,5}[/?#])[^\s@]{0,256})@")
_QUERY_PASSWORD = re.compile(r"[?&]\w{0,32}password=([^&#\s]+)", re.IGNORECASE)

_registering = Lock()
_secrets: tuple[str, ...] = ()  # every spelling of every registered secret, longest first


@lru_cache(maxsize=4096)
def is_secret_key(name: str) -> bool:
    """Whether a value under this name is a secret; judged by whole words, so `tokenizer` is none."""
    words = [word.lower() for word in _WORD.findall(name)]
    return (
        name.lower() in SECRET_NAMES
        or not SECRET_WORDS.isdisjoint(words)
        or not SECRET_PAIRS.isdisjoint(pairwise(words))
    )


def register_secret(value: str) -> None:
    """From now on mask this value wherever it appears. Shorter than four characters it is ignored."""
    global _secrets  # noqa: PLW0603 -- secrets are a fact of the process, like its environment
    if len(value) < SHORTEST_SECRET:
        return
    with _registering:
        _secrets = tuple(sorted({*_secrets, *_spellings(value)}, key=lambda secret: (-len(secret), secret)))


def register_url_secrets(url: str) -> None:
    """Register the passwords of a URL, as written and as meant: that before the host, and `?password=`."""
    from urllib.parse import unquote

    for _, password in _URL_PASSWORD.findall(url):
        register_secret(unquote(password))
        register_secret(password)
    for password in _QUERY_PASSWORD.findall(url):
        register_secret(unquote(password))
        register_secret(password)


def _spellings(value: str) -> set[str]:
    """The value as written, in a URL, and within a JSON or Python string."""
    from urllib.parse import quote

    return {value, quote(value, safe=""), value.encode("unicode_escape").decode(), value.replace('"', '\\"')}


def redact_text(text: str) -> str:
    """The text with registered secrets and the passwords of URLs masked; itself when there are none."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    if "@" in text and "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    return text


def redact(value: T) -> T:
    """The value with secrets masked at any depth of dicts, lists, tuples and strings.

    Copies only what changes. A value under a secret key is masked whole; None, True and False stay, for they
    say only whether there is a secret. Other types are returned as they are.
    """
    return cast("T", _redact(value, DEEPEST))


def _redact(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return redact_text(value)
    if kind in _ATOMS:
        return value
    if depth == 0 and isinstance(value, dict | list | tuple):
        return MASK
    if isinstance(value, dict):
        return _redact_dict(value, depth - 1)
    if isinstance(value, list | tuple):
        return _redact_sequence(value, depth - 1)
    return redact_text(value) if isinstance(value, str) else value


def _redact_dict(value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    changed: dict[Any, Any] | None = None
    for key, old in value.items():
        if type(key) is str and is_secret_key(key):
            new = old if old is None or old is True or old is False else MASK
        else:
            new = _redact(old, depth)
        if new is not old:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return _redact_keys(value if changed is None else changed) if _secrets else (changed or value)


def _redact_keys(value: dict[Any, Any]) -> dict[Any, Any]:
    if any(isinstance(key, str) and redact_text(key) is not key for key in value):
        return {redact_text(key) if isinstance(key, str) else key: item for key, item in value.items()}
    return value


def _redact_sequence(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any] | tuple[Any, ...]:
    changed = [_redact(item, depth) for item in value]
    if all(new is old for new, old in zip(changed, value, strict=True)):
        return value
    return changed if isinstance(value, list) else tuple(changed)
