"""What passes between engine and transport: requests out; responses, or the reason for none, back in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

LARGEST_BODY = 10 << 20  # bytes of a response that are read, unless a template says less


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: where to dial, and the exact bytes to send.

    `headers` and `target` hold one character per byte. `timeout` is in seconds, None for the transport's own;
    `max_body` is how many bytes of the answer are wanted. `server_name` is what a TLS handshake asks for,
    empty for the host. `exact`, when there is any, is sent as it is, whatever the other fields say. Requests
    are equal when they look the same to the server, whatever is wanted of the answer.
    """

    method: str
    scheme: str
    host: str
    port: int
    netloc: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    timeout: float | None = None
    max_body: int = field(default=LARGEST_BODY, compare=False)
    server_name: str = ""
    exact: bytes = b""
    pause: float = 0.0

    @property
    def url(self) -> str:
        """The full URL, without credentials."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def wire(self) -> bytes:
        """Request line, headers and body, as sent."""
        if self.exact:
            return self.exact
        lines = "".join([f"{name}: {value}\r\n" for name, value in self.headers])
        head = f"{self.method} {self.target} HTTP/1.1\r\n{lines}\r\n"
        return head.encode("latin-1", "replace") + self.body

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case."""
        return _first(self.headers, name)


@dataclass(frozen=True, slots=True)
class Burst:
    """Requests to be sent at the same time; the answer is a tuple of their answers, in the same order."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. The body is complete up to the wanted size, transfer and content coding removed.

    `headers` are in the order and spelling of the server, one character per byte. `duration` is in seconds.
    `truncated` tells that the body was longer than wanted, or the connection closed before its end. `address`
    is the IP address that answered, where it is known. `parts` are what has been made of it, once for all
    templates that look at it.
    """

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    duration: float = 0.0
    truncated: bool = False
    version: str = "1.1"
    address: str = ""
    parts: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case."""
        return _first(self.headers, name)

    def up_to(self, most: int) -> Response:
        """This response as it would be, had only so many bytes of its body been wanted."""
        return (
            self if len(self.body) <= most else replace(self, body=self.body[:most], truncated=True, parts={})
        )


def _first(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """There is no response; `error` says why in one line."""

    error: Exception
