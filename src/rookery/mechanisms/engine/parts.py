"""The parts of a response that operators and expressions can name, made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable

from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.messages import Request, Response

ALIASES = {"": "body", "header": "all_headers", "raw": "response", "data": "body"}


class ResponseParts:
    """Parts by nuclei's names: body, all_headers, all, response, request, status_code, content_type…"""

    def __init__(self, request: Request, response: Response) -> None:
        self.request, self.response = request, response
        self._known: dict[str, Value] = {}

    def get(self, name: str) -> Value:
        """The part's value; KeyError when the response has no such part."""
        name = ALIASES.get(name, name)
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def name(self, name: str, value: Value) -> None:
        """Give a value a name among the parts: what an extractor found wins over a header of that name."""
        self._known[name] = value

    def _make(self, name: str) -> Value:
        maker = MAKERS.get(name)
        if maker is not None:
            return maker(self)
        return self._named_parts()[name]

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
