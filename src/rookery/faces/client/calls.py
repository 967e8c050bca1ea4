"""How a verb is asked for over the API: which requests it takes, and what is made of the answers. Sans-IO.

    CALLS: Calls = {
        "list": pages("/devices"),
        "get": get("/devices/{name}"),
        "update": patch("/devices/{device}"),
        "rotate_key": at_home,
    }

A call gets the arguments of the verb by name. Those that its path names are put there; `revision` is sent as
If-Match; the others are the query of what is read, or the body of what is written. What is answered is read
as the type that the verb returns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeAlias
from urllib.parse import quote

import msgspec

from rookery.base.structs import ready
from rookery.faces.api.documents import MOST, cursor_of
from rookery.faces.client.errors import AnswerNotUnderstood, OnlyAtHome

Arguments: TypeAlias = dict[str, Any]


class Request(NamedTuple):
    """A request; `body` is sent as JSON, bytes as they are."""

    method: str
    path: str
    query: Mapping[str, Any] = {}
    body: Any = None
    headers: Mapping[str, str] = {}


class Pause(NamedTuple):
    """Nothing, for so many seconds."""

    seconds: float


class Contents(NamedTuple):
    """What is in a file of this machine."""

    path: Path


class Reply(NamedTuple):
    """An answer that is no refusal."""

    content: bytes
    headers: Mapping[str, str]


Step: TypeAlias = Request | Pause | Contents
Steps: TypeAlias = Generator[Step, Reply, Any]
Call: TypeAlias = Callable[[Arguments, Any], Steps]
"""A verb's arguments, and the type that it returns, as the requests that it takes."""
Sent: TypeAlias = Callable[[Arguments], Any]
Then: TypeAlias = Callable[[Any], Any]


class Streamed(NamedTuple):
    """A verb that answers piece by piece: bytes, or text."""

    path: str
    is_text: bool = False

    def request(self, arguments: Arguments) -> Request:
        """What is asked for."""
        path = filled(self.path, arguments)
        return Request("GET", path, _query(arguments))


Calls: TypeAlias = Mapping[str, Call | Streamed]
"""The verbs of a face."""


def same(answer: Any) -> Any:
    """What is answered is what the verb returns."""
    return answer


def get(path: str, *, sent: Sent = dict, reads: Any = None, then: Then = same) -> Call:
    """Ask for a document. `sent` makes of the arguments what is sent, if that is not themselves; `reads` is
    the type of the answer, if not the verb's; `then` makes of it what the verb returns."""

    def steps(arguments: Arguments, answers: Any) -> Steps:
        where = filled(path, arguments)
        reply = yield Request("GET", where, _query(sent(arguments)))
        return then(decoded(reply, reads or answers))

    return steps


def pages(path: str, *, sent: Sent = dict, reads: Any = None, then: Then = same) -> Call:
    """Ask for a list, page by page; `reads` and `then` are of an item. `limit`, and the key of the item
    before the first, as `after` or `before`, mean what they mean to the verb."""

    def steps(arguments: Arguments, answers: Any) -> Steps:
        where, limit = filled(path, arguments), arguments.pop("limit", None)
        place = arguments.pop("after", None) or arguments.pop("before", None)
        query = _query(sent(arguments)) | ({"after": cursor_of(place)} if place else {})
        kind: Any = list[reads] if reads else answers
        found: list[Any] = []
        while limit is None or len(found) < limit:
            left = MOST if limit is None else min(limit - len(found), MOST)
            page = decoded((yield Request("GET", where, query | {"limit": left})), _Page)
            found += map(then, decoded(Reply(bytes(page.items), {}), kind))
            if page.next is None:
                break
            query["after"] = page.next
        return found

    return steps


def whole(path: str, *, reads: Any = None, then: Then = same) -> Call:
    """Ask for a list that has no pages; `reads` and `then` are of an item."""

    def steps(arguments: Arguments, answers: Any) -> Steps:
        where = filled(path, arguments)
        page = decoded((yield Request("GET", where, _query(arguments))), _Page)
        kind: Any = list[reads] if reads else answers
        return [*map(then, decoded(Reply(bytes(page.items), {}), kind))]

    return steps


def tuples(path: str, kind: Callable[..., Any]) -> Call:
    """Ask for a list of what is a named tuple at home, without pages."""
    return whole(path, reads=dict[str, Any], then=lambda item: kind(**item))


def counted(path: str, *, sent: Sent = dict) -> Call:
    """Ask how long a list is."""

    def steps(arguments: Arguments, _answers: Any) -> Steps:
        query = _query(sent(arguments)) | {"limit": 1, "count": "exact"}
        return decoded((yield Request("GET", path, query)), _Page).total

    return steps


def post(path: str, **how: Any) -> Call:
    """Ask for something to be made or done."""
    return _writing("POST", path, **how)


def put(path: str, **how: Any) -> Call:
    """Ask for something to be replaced."""
    return _writing("PUT", path, **how)


def patch(path: str, **how: Any) -> Call:
    """Ask for parts of something to be changed."""
    return _writing("PATCH", path, **how)


def delete(path: str) -> Call:
    """Ask for something to be removed; what its path does not name is its query."""

    def steps(arguments: Arguments, _answers: Any) -> Steps:
        headers = _if_match(arguments, default=None)
        yield Request("DELETE", filled(path, arguments), _query(arguments), headers=headers)
        return None

    return steps


def _writing(method: str, path: str, *, sent: Sent = dict, reads: Any = None, then: Then = same) -> Call:
    def steps(arguments: Arguments, answers: Any) -> Steps:
        headers = _if_match(arguments, default="*" if method in {"PATCH", "PUT"} else None)
        where = filled(path, arguments)
        body = sent(arguments)
        if isinstance(body, dict):
            body = {_word(name): value for name, value in body.items()}
        reply = yield Request(method, where, body=body, headers=headers)
        return then(decoded(reply, reads or answers))

    return steps


def at_home(_arguments: Arguments, _answers: Any) -> NoReturn:
    """What is not done from afar: it takes files, keys or passwords of the machine that Rookery runs on."""
    raise OnlyAtHome


def filled(path: str, arguments: Arguments) -> str:
    """A path with the arguments that it names, which are taken from the others."""
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    return path.format_map({name: quote(str(arguments.pop(name)), safe="") for name in names})


def _query(arguments: Arguments) -> dict[str, Any]:
    return {_word(name): _text(value) for name, value in arguments.items() if value not in (None, "")}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return [*map(str, value)] if isinstance(value, list | tuple | frozenset | set) else value


def _word(name: str) -> str:
    """The name that the API knows: Python's own words, it need not avoid."""
    return name.removesuffix("_")


def _if_match(arguments: Arguments, default: str | None) -> dict[str, str]:
    revision = arguments.pop("revision", None)
    tag = default if revision is None else f'"v{revision}"'
    return {} if tag is None else {"If-Match": tag}


def decoded(reply: Reply, kind: Any) -> Any:
    """An answer as this type: text as it is, nothing as None, else JSON. Raises AnswerNotUnderstood."""
    if kind is None or kind is str:
        return None if kind is None else reply.content.decode()
    try:
        return msgspec.json.decode(reply.content, type=ready(kind), dec_hook=_text_as)
    except msgspec.MsgspecError as error:
        raise AnswerNotUnderstood(f"{error}. {AnswerNotUnderstood.__doc__}") from None


def _text_as(kind: type, value: Any) -> Any:
    """Identifiers and paths are text on the wire."""
    return kind(value)


class _Page(msgspec.Struct):
    items: msgspec.Raw
    next: str | None = None
    total: int | None = None
