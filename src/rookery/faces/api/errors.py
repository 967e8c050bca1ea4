"""What the API itself refuses."""

from __future__ import annotations

from typing import NamedTuple

from rookery.base.errors import Conflict, Invalid, NotAllowed, RookeryError, Unavailable
from rookery.domains.users.errors import NotAuthenticated


class NotIdentified(NotAuthenticated):
    """Say who you are: send a token as `Authorization: Bearer rk_…`, or log in."""


class ForgedRequest(NotAllowed):
    """This comes from another site's page: send it from Rookery's own, or with a token."""


class PreconditionMissing(RookeryError):
    """Say which version you change: send its ETag as If-Match, or * for whichever there is."""


class TooLarge(Invalid):
    """The body is too large."""


class FaultyPart(NamedTuple):
    """Which part of a body is wrong, as a JSON pointer, and why."""

    pointer: str
    detail: str


class BodyNotValid(Invalid):
    """The body is not what this route takes."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(f"{pointer or 'The body'}: {detail}")
        self.faults = (FaultyPart(pointer, detail),)


class CursorNotValid(Invalid):
    """That is no page of this list: take `next` from the page before, as it is."""


class KeyReused(Invalid):
    """This Idempotency-Key came with another request before: use a new one for each."""


class TooManyStreams(Unavailable):
    """Too many streams are open here: close some, or ask for the state now and then instead."""


class StillAtIt(Conflict):
    """A request with this Idempotency-Key is still being answered: ask again in a moment."""


class TooManyRequests(RookeryError):
    """Too many requests: wait as long as Retry-After says."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.retry_after = max(1, round(wait + 0.5))
