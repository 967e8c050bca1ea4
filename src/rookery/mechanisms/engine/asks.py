"""What passes between an execution and the world: asks out, answers in, one pair per protocol.

An ask says everything a port needs to know; an answer is bounded by what was asked for. Text holds one
character per byte where it came off the wire."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from rookery.mechanisms.engine.messages import Burst, Request, RequestFailed, Response

LARGEST_READ = 1 << 20  # bytes that one read of a TCP stream may give, read-all included
LARGEST_FILE = 16 << 20  # bytes of a file that are looked at


@dataclass(frozen=True, slots=True)
class TcpStep:
    """One step of a dialogue: bytes to send, then at most `read` bytes to wait for; 0 waits for nothing.

    `required` fails the ask when nothing can be read. `to_end` reads until the other side closes, falls
    silent, or has said LARGEST_READ bytes."""

    data: bytes
    read: int = 0
    required: bool = False
    to_end: bool = False


class Dialogue(Protocol):
    """What is said on one connection, step by step: later inputs may hold what was read before."""

    def next_step(self, heard: bytes | None) -> TcpStep | None:
        """The next step, told what the last one read (None at first); None when all has been said."""
        ...


@dataclass(frozen=True, slots=True)
class TcpAsk:
    """Connect, with TLS or without, and have the dialogue."""

    host: str
    port: int
    tls: bool
    dialogue: Dialogue


@dataclass(frozen=True, slots=True)
class TcpAnswer:
    """The dialogue was had, to its end or until the other side closed; the dialogue knows what was heard.

    `address` is the one that was dialled."""

    address: str = ""


@dataclass(frozen=True, slots=True)
class DnsAsk:
    """One question. `resolvers` are `address` or `address:port`; none means the configured ones."""

    name: str
    kind: str
    class_: str = "IN"
    recursion: bool = True
    retries: int = 3
    resolvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """The question and the answer as they were on the wire; both are sound messages.

    `failure` is why it proves nothing about the name, when every name server only said that it failed: a
    template may look for just that, but what it does not find may be there."""

    query: bytes
    wire: bytes
    failure: Exception | None = None


@dataclass(frozen=True, slots=True)
class TlsAsk:
    """One TLS handshake. Versions are ssl.TLSVersion's names, '' for any; `ciphers` are OpenSSL's names."""

    host: str
    port: int
    min_version: str = ""
    max_version: str = ""
    ciphers: tuple[str, ...] = ()

    @property
    def is_restricted(self) -> bool:
        """Whether less is offered than there is."""
        return bool(self.min_version or self.max_version or self.ciphers)


@dataclass(frozen=True, slots=True)
class TlsAnswer:
    """What was agreed on. `version` and `cipher` are OpenSSL's names; `certificate` is the server's, in DER.

    All are empty when the server wanted none of the versions and ciphers that were offered: that is what a
    template with a restriction is after, and no failure."""

    version: str = ""
    cipher: str = ""
    certificate: bytes = b""
    address: str = ""


@dataclass(frozen=True, slots=True)
class FileAsk:
    """Read at most `most` bytes of the file with this name."""

    name: str
    most: int = LARGEST_FILE


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What is in the file; `truncated` when it holds more than was asked for."""

    data: bytes
    truncated: bool = False


Ask = Request | Burst | TcpAsk | DnsAsk | TlsAsk | FileAsk
Answer = Response | TcpAnswer | DnsAnswer | TlsAnswer | FileAnswer | RequestFailed
Answers = Answer | tuple[Answer, ...]  # a Burst is answered by a tuple

T = TypeVar("T")
Steps = Generator[Ask, Any, T]  # yields asks, is sent the answer to each, and comes to a T
