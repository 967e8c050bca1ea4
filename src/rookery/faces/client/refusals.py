"""What a server says no to, as the error that is raised there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from rookery.base.errors import RookeryError
from rookery.base.structs import ready
from rookery.faces.client.errors import NotRookery, ServerFailed


class _Fault(msgspec.Struct):
    pointer: str
    detail: str


class _Problem(msgspec.Struct):
    """Of a problem (RFC 9457), what is of use here."""

    detail: str
    code: str
    errors: tuple[_Fault, ...] = ()


def refusal(url: str, status: int, headers: Mapping[str, str], content: bytes) -> RookeryError:
    """An answer that is no success, as an error; NotRookery when whoever answers does not speak as we do."""
    try:
        problem = msgspec.json.decode(content, type=ready(_Problem))
    except msgspec.MsgspecError:  # a proxy's page, or another program's
        return NotRookery(f"{url} answers with status {status}. {NotRookery.__doc__}")
    error = error_of(problem.code, problem.detail)
    if (wait := headers.get("retry-after", "")).isdecimal():  # a proxy may have put a date there
        error.retry_after = int(wait)  # type: ignore[attr-defined]  # of those that say how long
    return error


def error_of(code: str, message: str) -> RookeryError:
    """The error of this code; ServerFailed for one that this version does not know."""
    kind = next((each for each in _kinds(RookeryError) if each.code == code), None)
    if kind is None:
        return ServerFailed(message, code)
    error = kind.__new__(kind)  # whatever its parts: its message has been made there
    Exception.__init__(error, message)
    return error


def _kinds(kind: type[RookeryError]) -> Iterator[type[RookeryError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
