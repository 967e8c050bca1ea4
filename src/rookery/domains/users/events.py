"""What users announce, after the commit. No event holds a secret, nor a name that nobody has.

`address` is where somebody came from, empty where that is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UserCreated:
    """There is a new user."""

    user: str
    user_id: str
    role: str


@dataclass(frozen=True)
class UserUpdated:
    """These parts of a user were changed; role and whether enabled are what they are now."""

    user: str
    user_id: str
    changed: tuple[str, ...]
    role: str
    enabled: bool


@dataclass(frozen=True)
class UserDeleted:
    """There was a user; sessions and tokens went, too."""

    user: str
    user_id: str


@dataclass(frozen=True)
class PasswordChanged:
    """A user has another password, and so many sessions have ended by that."""

    user: str
    user_id: str
    sessions_ended: int


@dataclass(frozen=True)
class LoginSucceeded:
    """Somebody has proven who they are; `factor` is what they showed beside the password, if anything."""

    user: str
    user_id: str
    address: str
    factor: str


@dataclass(frozen=True)
class LoginFailed:
    """Somebody was refused: why, and how many seconds the next attempt has to wait.

    The name is only told when there is such a user: people type passwords where the name belongs.
    """

    user: str
    address: str
    reason: str
    wait: int


@dataclass(frozen=True)
class SecondFactorAsked:
    """Somebody has the password of a user, and has been asked for a code, too."""

    user: str
    user_id: str
    address: str


@dataclass(frozen=True)
class TotpBegun:
    """A user has been shown the secret of a second factor, which is not asked for yet."""

    user: str
    user_id: str


@dataclass(frozen=True)
class TotpEnabled:
    """From now on a user is asked for a second factor."""

    user: str
    user_id: str


@dataclass(frozen=True)
class TotpDisabled:
    """A user is not asked for a second factor any more."""

    user: str
    user_id: str


@dataclass(frozen=True)
class TotpSecretsResealed:
    """So many secrets of second factors are sealed with another key than before."""

    count: int


@dataclass(frozen=True)
class SessionOpened:
    """A browser has logged in."""

    user: str
    user_id: str
    session_id: str
    address: str


@dataclass(frozen=True)
class SessionRotated:
    """A session goes by another secret, and the one before is worth nothing."""

    user: str
    user_id: str
    session_id: str


@dataclass(frozen=True)
class SessionsEnded:
    """So many sessions of a user were ended."""

    user: str
    user_id: str
    count: int


@dataclass(frozen=True)
class TokenCreated:
    """A program may act for a user. `prefix` is how the token begins, which is no secret."""

    name: str
    prefix: str
    user: str
    user_id: str
    scopes: tuple[str, ...]
    expires: str


@dataclass(frozen=True)
class TokenRevoked:
    """A token is worth nothing any more."""

    name: str
    prefix: str
    user_id: str


@dataclass(frozen=True)
class SetupLinkIssued:
    """Whoever has the link may become the first admin, until it expires; those before are worth nothing."""

    expires: str


@dataclass(frozen=True)
class SetupCompleted:
    """Somebody has used the link, and is the first admin."""

    user: str
    user_id: str


EVENTS = (
    *(UserCreated, UserUpdated, UserDeleted, PasswordChanged),
    *(LoginSucceeded, LoginFailed, SecondFactorAsked),
    *(TotpBegun, TotpEnabled, TotpDisabled, TotpSecretsResealed),
    *(SessionOpened, SessionRotated, SessionsEnded, TokenCreated, TokenRevoked),
    *(SetupLinkIssued, SetupCompleted),
)
