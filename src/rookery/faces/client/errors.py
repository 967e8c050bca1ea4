"""What goes wrong between a client and its server; what the server says no to is raised as it raises it."""

from __future__ import annotations

from rookery.base.errors import ConfigError, NotAllowed, NotFound, RookeryError, Unavailable


class ServerUnreachable(Unavailable):
    """Rookery cannot be reached there: see that `rookery up` runs, and that the address is right."""


class NotRookery(Unavailable):
    """What answers there is not Rookery: see that the address is the one that `rookery up` has printed."""


class AnswerNotUnderstood(RookeryError):
    """The server answers otherwise than this version expects: use the same version here and there."""


class LocalFileUnreadable(NotFound):
    """There is no such file here, or it cannot be read."""


class AddressNotValid(ConfigError):
    """The address of a Rookery is http://HOST:PORT or https://HOST."""


class TokenUnusable(ConfigError):
    """That is no token: `rookery tokens create` makes one, rk_…, and shows it once."""


class OnlyAtHome(NotAllowed):
    """That is done on Rookery's own machine: with its command line, or through `rookery.open`."""


class ServerFailed(RookeryError):
    """The server could not do that."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # what the server calls it, which this version does not know
