"""Why a request has no response. Every message is one line and names host and port.

Unavailable
└── TransportError         no usable answer came
    ├── HostUnreachable    no such name, refused, no route
    ├── TlsFailed          the TLS handshake failed
    ├── TimedOut           nothing complete came in time
    ├── BadResponse        what came is not HTTP
    ├── ResolverFailed     a name server said that it could not find out
    ├── ResponseTooLarge   the headers are longer than they may be
    ├── SlowedDown         it keeps asking for a pause
    ├── TooManyRedirects   it redirects in a circle, or on and on
    ├── FileUnreadable     the file cannot be read
    ├── NoPort             nothing here speaks the protocol
    └── HostSkipped        too many errors in a row: the host is left alone
NotAllowed
└── OutOfScope             the address may not be dialled
"""

from __future__ import annotations

from rookery.base.errors import NotAllowed, Unavailable


class TransportError(Unavailable):
    """No usable answer came."""


class HostUnreachable(TransportError):
    """The host cannot be reached."""


class UnknownHost(HostUnreachable):
    """The name cannot be resolved."""


class TlsFailed(TransportError):
    """The TLS handshake failed."""


class TimedOut(TransportError):
    """Nothing complete came in time."""


class BadResponse(TransportError):
    """What came is not an HTTP response."""


class ConnectionLost(BadResponse):
    """The connection closed before a response began."""


class ResolverFailed(TransportError):
    """A name server said that it could not find out."""


class ResponseTooLarge(TransportError):
    """The response's headers are longer than they may be."""


class SlowedDown(TransportError):
    """The host keeps answering 429 Too Many Requests; `retry_after` are the seconds it last asked for."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRedirects(TransportError):
    """It redirects in a circle, or on and on."""


class FileUnreadable(TransportError):
    """The file cannot be read."""


class NoPort(TransportError):
    """Nothing here speaks the protocol."""


class HostSkipped(TransportError):
    """Too many errors in a row: the host is left alone."""


class OutOfScope(NotAllowed):
    """The address may not be dialled: it is not in the scope."""
