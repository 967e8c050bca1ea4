"""The one tree of errors. A class's docstring is its default message; its name, kebab-cased, is its code.

RookeryError                   anything Rookery says no to
├── Invalid                    the input is wrong; the message says what would be right       exit 2, HTTP 422
│   └── ConfigError            a setting is wrong; names key, origin, what is allowed
├── NotAllowed                 refused by a rule, whoever asks                                exit 3, HTTP 403
├── NotFound                   no such thing                                                  exit 5, HTTP 404
├── Conflict                   the thing exists already, or is in the way                     exit 6, HTTP 409
│   └── Stale                  the thing has changed since it was read                        exit 6, HTTP 412
├── Unavailable                a server, file or disk cannot be reached now                   exit 7, HTTP 503
│   └── TemporaryError         work failed; trying again later may help                       exit 7, HTTP 503
├── FatalError                 work failed; trying again cannot help                          exit 1, HTTP 500
└── Closed                     used after close()                                             exit 1, HTTP 500

Domains and mechanisms hang their own errors below these kinds, so that a shell needs only the kinds.
"""

from __future__ import annotations

import re
from typing import ClassVar


class RookeryError(Exception):
    """Rookery could not do that."""

    code: ClassVar[str] = "rookery-error"
    exit_status: ClassVar[int] = 1

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class Invalid(RookeryError):
    """The input is not valid."""

    exit_status = 2


class ConfigError(Invalid):
    """A setting is not valid."""


class NotAllowed(RookeryError):
    """That is not allowed."""

    exit_status = 3


class NotFound(RookeryError):
    """There is no such thing."""

    exit_status = 5


class Conflict(RookeryError):
    """It has changed meanwhile, or exists already."""

    exit_status = 6


class Stale(Conflict):
    """It has changed since you read it: read it again, and change that."""


class Unavailable(RookeryError):
    """A server, file or disk that is needed cannot be reached now."""

    exit_status = 7


class TemporaryError(Unavailable):
    """That failed; trying again later may help."""


class FatalError(RookeryError):
    """That failed, and trying again cannot help."""


class Closed(RookeryError):
    """It has been closed."""
