"""What can be wrong with users and what they hold.

UserNotFound, SessionNotFound, TokenNotFound (NotFound)
UserExists (Conflict)             the name or the e-mail address is taken
UserChanged (Stale)               changed since the revision that was expected
LastAdmin (Conflict)
SetupOver (Conflict)              there are users already
UserNotValid (Invalid)            names the part, and what is allowed
├── PasswordTooWeak
├── TokenNotValid                 its name, scopes or expiry
└── TotpNotValid                  the code does not fit, or there is nothing to confirm
NotPermitted (NotAllowed)         by the table of permissions; HTTP 403
NotAuthenticated (NotAllowed)     who it is has not been proven; HTTP 401
├── LoginRefused                  one message, whatever was wrong
├── TotpNeeded                    the password is right, and the code is missing
├── TooManyAttempts               says how many seconds to wait; HTTP 429
├── TokenRefused
├── SessionOver
└── SetupLinkRefused
"""

from __future__ import annotations

from rookery.base.errors import Conflict, Invalid, NotAllowed, NotFound, Stale


class UserNotFound(NotFound):
    """There is no such user: `rookery users list` shows those there are."""


class SessionNotFound(NotFound):
    """There is no such session: `rookery users sessions NAME` shows those there are."""


class TokenNotFound(NotFound):
    """There is no such token: `rookery tokens list` shows those there are."""


class UserExists(Conflict):
    """There is a user of that name or e-mail address already."""


class UserChanged(Stale):
    """Somebody has changed the user meanwhile: look at it again."""


class LastAdmin(Conflict):
    """Nobody else could let people in: make another user an admin first."""


class SetupOver(Conflict):
    """There are users already: log in, or ask one who is an admin."""


class UserNotValid(Invalid):
    """That is no user."""


class PasswordTooWeak(UserNotValid):
    """A password has at least 12 characters, and is none that others guess first."""


class TokenNotValid(UserNotValid):
    """That is no API token."""


class TotpNotValid(UserNotValid):
    """The code does not fit: type the one that the app shows now, and check the clocks of both."""


class NotPermitted(NotAllowed):
    """You may not do that: ask an admin."""


class NotAuthenticated(NotAllowed):
    """Log in first."""


class LoginRefused(NotAuthenticated):
    """User name, password or code is wrong."""


class TotpNeeded(NotAuthenticated):
    """Type the code that the app shows, too, or a recovery code."""


class TooManyAttempts(NotAuthenticated):
    """Too many failed logins: wait a little."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many failed logins: try again in {retry_after} s.")
        self.retry_after = retry_after


class TokenRefused(NotAuthenticated):
    """The API token is not valid: it is mistyped, expired or revoked, or its owner is disabled."""


class SessionOver(NotAuthenticated):
    """The session has ended: log in again."""


class SetupLinkRefused(NotAuthenticated):
    """The link has been used or has expired: `rookery users setup-link` prints another."""
