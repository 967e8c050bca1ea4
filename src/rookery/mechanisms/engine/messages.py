"""What passes between engine and transport: requests out; responses, or the reason for none, back in."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_BODY = 10 << 20  # bytes of a response that are read, unless a template says less


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: where to dial, and the exact bytes to send.

    `headers` and `target` hold one character per byte. `timeout` is in seconds, None for the transport's own;
    `max_body` is how many bytes of the answer are wanted.
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
    max_body: int = LARGEST_BODY

    @property
    def url(self) -> str:
        """The full URL, without credentials."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def wire(self) -> bytes:
        """Request line, headers and body, as sent."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace") + self.body


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. The body is complete up to the wanted size, transfer and content coding removed.

    `headers` are in the order and spelling of the server, one character per byte. `duration` is in seconds.
    `truncated` tells that the body was longer than wanted, or the connection closed before its end.
    """

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    duration: float = 0.0
    truncated: bool = False
    version: str = "1.1"

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """There is no response; `error` says why in one line."""

    error: Exception
