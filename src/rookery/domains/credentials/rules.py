"""What a credential is, which ones fit a device, and which are tried. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rookery.domains.credentials.errors import CredentialNotValid

PAUSE: Final = timedelta(minutes=15)
"""How long a credential is left alone that devices keep refusing: most accounts are locked for less."""
FAILURES: Final = 3
"""Refusals in a row, by whichever devices, after which it is."""
LONGEST: Final = 256
LARGEST_KEY: Final = 20_000
LOWEST_PRIORITY: Final = 1_000

_NAME = re.compile(r"[\w][\w.@ -]{0,62}")


class Secret(msgspec.Struct, frozen=True, omit_defaults=True):
    """What opens: password, private key (OpenSSH or PEM), and the secret of `enable` where it is another."""

    password: str = ""
    private_key: str = ""
    enable: str | None = None

    def __repr__(self) -> str:
        return "Secret(***)"


class CredentialInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A credential without its secrets; times are aware, in UTC. Unused, it has no `success_rate`."""

    id: str
    name: str
    username: str
    has_password: bool
    has_private_key: bool
    has_enable: bool
    tags: tuple[str, ...]
    priority: int
    description: str
    revision: int
    created: datetime
    created_by: str
    updated: datetime
    success_count: int
    failure_count: int
    failed_in_row: int
    last_success: datetime | None
    last_failure: datetime | None
    success_rate: float | None

    def is_paused(self, moment: datetime) -> bool:
        """Whether it is left alone, so that its account is not locked."""
        is_recent = self.last_failure is not None and moment - self.last_failure < PAUSE
        return self.failed_in_row >= FAILURES and is_recent


def check(name: str, username: str, secret: Secret, priority: int, description: str) -> None:
    """Raise CredentialNotValid, which names the part; never its value where that is secret."""
    if not _NAME.fullmatch(name):
        raise CredentialNotValid(f"name {name[:80]!r}: use letters, digits, blanks and . @ - _, at most 63.")
    for part, value in (("username", username), ("description", description)):
        if len(value) > LONGEST or not (value.isprintable() or not value):
            raise CredentialNotValid(f"{part} is one line of at most {LONGEST} characters.")
    for part, text in (("password", secret.password), ("enable", secret.enable or "")):
        if len(text) > LONGEST or "\n" in text or "\r" in text or "\0" in text:
            raise CredentialNotValid(f"{part} is one line of at most {LONGEST} characters.")
    if len(secret.private_key) > LARGEST_KEY:
        raise CredentialNotValid(f"private_key has at most {LARGEST_KEY} characters.")
    if not (secret.password or secret.private_key):
        raise CredentialNotValid("a credential has a password, or a private key, or both.")
    if not 0 <= priority <= LOWEST_PRIORITY:
        raise CredentialNotValid(f"priority goes from 0 (first) to {LOWEST_PRIORITY}, not {priority}.")


def fitting(credentials: Iterable[CredentialInfo], tags: Sequence[str]) -> list[CredentialInfo]:
    """Those that have a tag in common with a device, in the order in which they are tried.

    By priority; then the one that fits more closely, by more tags; then the one that has failed less of late.
    """
    wanted = set(tags)
    found = [each for each in credentials if wanted & set(each.tags)]
    return sorted(
        found, key=lambda each: (each.priority, -len(wanted & set(each.tags)), each.failed_in_row, each.name)
    )
