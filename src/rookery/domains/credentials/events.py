"""What credentials announce, after the commit. No event holds a secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CredentialCreated:
    """There is a new login."""

    credential: str
    credential_id: str
    username: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class CredentialUpdated:
    """These parts of a login were changed; `secret` when a password or key was."""

    credential: str
    credential_id: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class CredentialDeleted:
    """There was a login."""

    credential: str
    credential_id: str


@dataclass(frozen=True)
class CredentialRevealed:
    """Somebody has seen the secrets of a login, for this reason."""

    credential: str
    credential_id: str
    reason: str


@dataclass(frozen=True)
class VaultKeyRotated:
    """So many secrets are sealed with another key than before."""

    what: str
    count: int


EVENTS = (CredentialCreated, CredentialUpdated, CredentialDeleted, CredentialRevealed, VaultKeyRotated)
