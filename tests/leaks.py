"""No secret that a test makes is logged while it runs, at whatever level: else that test fails.

Nobody has to say what is secret: it is heard where secrets are kept. Tokens, sessions, links and passwords
are hashed; credentials, addresses of channels and second factors are sealed; secrets of a configuration are
registered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import argon2
import msgspec
import pytest

from rookery.base import redact
from rookery.domains.users import bearer
from rookery.mechanisms.vault.sealing import Vault

SHORTEST, LONGEST = 8, 2_000  # characters: shorter ones are ordinary words, longer ones are documents
CLIENTS: Final = ("httpx", "httpcore", "urllib3", "faker", "hypothesis")
"""Loggers of what tests use to look at Rookery from outside: what they get, they may log."""
QUIET: Final = ("sqlalchemy", "aiosqlite")
"""Loggers that stay as they are: each would log every statement, a hundred thousand in all."""


class Leak(AssertionError):
    """A secret was logged."""


class Watch(logging.Handler):
    """What is logged, and the secrets that have been heard of."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.secrets: set[str] = set()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record: its message, its exception, and whatever else hangs on it."""
        if not record.name.startswith(CLIENTS):
            self.lines.append(f"{record.name}: {logging.Formatter().format(record)} {record.__dict__!r}")

    def note(self, *values: str | bytes) -> None:
        """Here is a secret: text, or a document of texts as JSON; what is neither is nobody's to read."""
        for value in values:
            with suppress(UnicodeError):
                self.secrets.update(each for each in _texts(value) if SHORTEST <= len(each) <= LONGEST)

    def check(self, *texts: str) -> None:
        """Raise Leak when a secret is in what was logged, or in these texts; the secret is not told."""
        for text in (*self.lines, *texts):
            if any(secret in text for secret in self.secrets):
                shown = text
                for secret in sorted(self.secrets, key=len, reverse=True):
                    shown = shown.replace(secret, "[THE SECRET]")
                raise Leak(f"a secret was logged: {shown}")

    def forget(self) -> None:
        """Begin anew."""
        self.secrets.clear()
        self.lines.clear()


WATCH: Final = Watch()


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch what is logged in this block, everything. Raises Leak at its end."""
    root, level = logging.getLogger(), logging.getLogger().level
    WATCH.forget()
    root.addHandler(WATCH)
    root.setLevel(logging.DEBUG)
    if not logging.getLogger("rookery").isEnabledFor(logging.DEBUG):
        raise AssertionError("an earlier test has left our loggers deaf: what is logged cannot be watched")
    try:
        yield WATCH
    finally:
        root.removeHandler(WATCH)
        root.setLevel(level)
    WATCH.check()


@contextmanager
def hearing() -> Iterator[None]:
    """Hear of every secret that this process makes, takes or opens."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, position in (
            (bearer, "as_bytes", 0),
            (argon2.PasswordHasher, "hash", 1),
            (Vault, "seal", 1),
            (redact, "_spellings", 0),
        ):
            patch.setattr(owner, name, _heard(getattr(owner, name), position))
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        yield


def _heard(function: Callable[..., Any], position: int) -> Callable[..., Any]:
    def heard(*args: Any, **kwargs: Any) -> Any:
        WATCH.note(args[position])
        return function(*args, **kwargs)

    return heard


def _texts(secret: str | bytes) -> Iterator[str]:
    try:
        document = msgspec.json.decode(secret)
    except msgspec.DecodeError:
        document = secret.decode() if isinstance(secret, bytes) else secret
    values = document.values() if isinstance(document, dict) else [document]
    yield from (value for value in values if isinstance(value, str))
