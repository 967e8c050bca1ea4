"""The parts of a response that operators and expressions can name, made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.messages import Request, Response

NAMED = "\0named"  # the key of all parts that headers and cookies name; no part has such a name
OF_THE_REQUEST = frozenset(("request", "matched"))
COMBINED = frozenset(("all", "response"))  # of parts that an extractor may have given another value
ALIASES = {"": "body", "header": "all_headers", "raw": "response", "data": "body"}


class Parts(Protocol):
    """One answer, of whatever protocol, by its parts; and the evidence it gives."""

    @property
    def status(self) -> int | None:
        """What a status matcher looks at; None when the protocol has none."""
        ...

    @property
    def matched_at(self) -> str:
        """The URL, host:port, name or path it came from."""
        ...

    @property
    def address(self) -> str:
        """The IP address that answered, as far as it is known."""
        ...

    def get(self, name: str) -> Value:
        """The part's value; KeyError when the answer has no such part."""
        ...

    def name(self, name: str, value: Value) -> None:
        """Give a value a name among the parts."""
        ...

    def asked(self, most: int) -> str:
        """What was sent, at most so many characters."""
        ...

    def beginning(self, most: int) -> str:
        """What came back, at most so many characters."""
        ...


class ResponseParts:
    """Parts by nuclei's names: body, all_headers, all, response, request, status_code, content_type…

    What depends on the response alone is made once for all executions that were given it."""

    def __init__(self, request: Request, response: Response) -> None:
        self.request, self.response = request, response
        self._known: dict[str, Value] = {}

    @property
    def status(self) -> int | None:
        """The status code."""
        return self.response.status

    @property
    def matched_at(self) -> str:
        """The URL."""
        return self.request.url

    @property
    def address(self) -> str:
        """The IP address that answered."""
        return self.response.address

    def asked(self, most: int) -> str:
        """The request as text, at most so many characters."""
        return self.request.wire[:most].decode("latin-1")

    def get(self, name: str) -> Value:
        """The part's value; KeyError when the response has no such part."""
        name = ALIASES.get(name, name)
        if name in self._known:
            return self._known[name]
        if name in OF_THE_REQUEST or (name in COMBINED and self._known):
            return MAKERS[name](self)
        shared: dict[str, Value] = self.response.parts
        if name not in shared:
            shared[name] = self._make(name)
        return shared[name]

    def name(self, name: str, value: Value) -> None:
        """Give a value a name among the parts: what an extractor found wins over a header of that name."""
        self._known[name] = value

    def _make(self, name: str) -> Value:
        maker = MAKERS.get(name)
        if maker is not None:
            return maker(self)
        shared = self.response.parts
        if NAMED not in shared:
            shared[NAMED] = self._named_parts()
        named: dict[str, str] = shared[NAMED]
        return named[name]

    def _named_parts(self) -> dict[str, str]:
        """Cookies by name, and headers as `content_type`; values of one header are joined by a space."""
        named: dict[str, str] = {}
        for key, value in self.response.headers:
            if key.lower() == "set-cookie":
                named.update(_cookie_values(value))
        collected: dict[str, list[str]] = {}
        for key, value in self.response.headers:
            collected.setdefault(key.lower().replace("-", "_"), []).append(value)
        return named | {key: " ".join(values) for key, values in collected.items()}

    def body(self) -> str:
        """The body, a character per byte."""
        return self.response.body.decode("latin-1")

    def all_headers(self) -> str:
        """Status line and headers as Go prints them: canonical names, sorted."""
        response = self.response
        head = f"HTTP/{response.version} {response.status:03d} {response.reason}".rstrip()
        pairs = sorted((canonical(name), value) for name, value in response.headers)
        return "\r\n".join([head, *(f"{name}: {value}" for name, value in pairs), "\r\n"])

    def beginning(self, most: int) -> str:
        """The response as text, at most so many characters: evidence needs no second copy of a long body."""
        head = self.all_headers()
        return (head + self.response.body[: max(most - len(head), 0)].decode("latin-1"))[:most]

    def content_length(self) -> float:
        """The header's value when it is a number, else the length of the body."""
        declared = self.response.header("content-length") or ""
        return (
            float(declared) if declared.isascii() and declared.isdigit() else float(len(self.response.body))
        )


MAKERS: dict[str, Callable[[ResponseParts], Value]] = {
    "body": ResponseParts.body,
    "all_headers": ResponseParts.all_headers,
    "all": lambda parts: f"{parts.get('body')}{parts.get('all_headers')}",
    "response": lambda parts: f"{parts.get('all_headers')}{parts.get('body')}",
    "request": lambda parts: parts.request.wire.decode("latin-1"),
    "status_code": lambda parts: float(parts.response.status),
    "content_length": ResponseParts.content_length,
    "duration": lambda parts: parts.response.duration,
    "matched": lambda parts: parts.request.url,
    "type": lambda _: "http",
}


def canonical(name: str) -> str:
    """A header's name as Go spells it: `x-frame-options` is X-Frame-Options."""
    return "-".join(word[:1].upper() + word[1:].lower() for word in name.split("-"))


def _cookie_values(header: str) -> dict[str, str]:
    name, separator, value = header.partition(";")[0].partition("=")
    return {name.strip().lower(): value.strip().strip('"')} if separator else {}
