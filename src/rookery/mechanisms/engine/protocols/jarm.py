"""JARM: what a TLS server answers to ten odd greetings, as one text that names its kind of software.

The greetings and the form of the text are those of https://github.com/salesforce/jarm, so that the texts in
templates mean the same here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rookery.mechanisms.engine.asks import TcpStep

ANSWER_SIZE = 1484  # bytes of an answer that are looked at
OFFERED = bytes.fromhex(
    "0016 0033 0067 c09e c0a2 009e 0039 006b c09f c0a3 009f 0045 00be 0088 00c4 009a"
    "c008 c009 c023 c0ac c0ae c02b c00a c024 c0ad c0af c02c c072 c073 cca9 1302 1301"
    "cc14 c007 c012 c013 c027 c02f c014 c028 c030 c060 c061 c076 c077 cca8 1305 1304"
    "1303 cc13 c011 000a 002f 003c c09c c0a0 009c 0035 003d c09d c0a1 009d 0041 00ba"
    "0084 00c0 0007 0004 0005"
)
CIPHERS = tuple(OFFERED[place : place + 2] for place in range(0, len(OFFERED), 2))
OF_1_3 = 0x13  # the first byte of such ciphers
ORDERED = [cipher.hex() for cipher in sorted(CIPHERS, key=lambda one: (one[0] == OF_1_3, one))]
PROTOCOLS = (
    *(b"http/0.9", b"http/1.0", b"http/1.1", b"spdy/1", b"spdy/2", b"spdy/3"),
    *(b"h2", b"h2c", b"hq"),
)
COMMON = frozenset((b"http/1.1", b"h2"))
TLS_1_1, TLS_1_2, TLS_1_3 = (b"\3\2", b"\3\3", b"\3\4")
GREASE = b"\x0a\x0a"
NOTHING = "0" * 62
SERVER_HELLO, ALPN = 2, "0010"


class Greeting(NamedTuple):
    """How one greeting differs from the others: the version it pretends to speak, the order of its ciphers,
    which protocols it offers, which versions it says it supports, and whether those come backwards."""

    version: bytes
    order: str
    is_backwards: bool = False
    has_grease: bool = False
    is_rare: bool = False
    supported: int = 0
    lacks_1_3: bool = False


GREETINGS = (
    Greeting(TLS_1_2, "forward", is_backwards=True, supported=3),
    Greeting(TLS_1_2, "reverse", supported=3),
    Greeting(TLS_1_2, "top half"),
    Greeting(TLS_1_2, "bottom half", is_rare=True),
    Greeting(TLS_1_2, "middle out", is_backwards=True, has_grease=True, is_rare=True),
    Greeting(TLS_1_1, "forward"),
    Greeting(TLS_1_3, "forward", is_backwards=True, supported=4),
    Greeting(TLS_1_3, "reverse", supported=4),
    Greeting(TLS_1_3, "forward", supported=4, lacks_1_3=True),
    Greeting(TLS_1_3, "middle out", is_backwards=True, has_grease=True, supported=4),
)


@dataclass(slots=True, eq=False)
class Exchange:
    """One greeting to a host of this name, and what came back."""

    greeting: Greeting
    host: str
    heard: bytes = b""
    _is_said: bool = False

    def next_step(self, heard: bytes | None) -> TcpStep | None:
        """The greeting, and one read."""
        self.heard = heard or b""
        if self._is_said:
            return None
        self._is_said = True
        return TcpStep(client_hello(self.greeting, self.host), ANSWER_SIZE)


def exchanges(host: str) -> tuple[Exchange, ...]:
    """The ten, each for a connection of its own."""
    return tuple(Exchange(greeting, host) for greeting in GREETINGS)


def client_hello(greeting: Greeting, host: str) -> bytes:
    """The bytes of a greeting."""
    legacy = min(greeting.version, TLS_1_2)
    hello = (
        *(legacy, secrets.token_bytes(32), b"\x20", secrets.token_bytes(32)),
        *(_sized(b"".join(_ciphers(greeting))), b"\1\0", _sized(b"".join(_extensions(greeting, host)))),
    )
    message = b"\1\0" + _sized(b"".join(hello))
    return b"\x16" + (b"\3\1" if greeting.version == TLS_1_3 else greeting.version) + _sized(message)


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


def _ciphers(greeting: Greeting) -> Iterator[bytes]:
    ciphers = [cipher for cipher in CIPHERS if cipher[0] != OF_1_3 or not greeting.lacks_1_3]
    if greeting.has_grease:
        yield GREASE
    yield from ORDERS[greeting.order](ciphers)


def _middle_out(items: Sequence[bytes]) -> Iterator[bytes]:
    middle = len(items) // 2
    yield items[middle]
    for distance in range(1, middle + 1):
        yield items[middle + distance]
        yield items[middle - distance]


ORDERS = {
    "forward": lambda items: items,
    "reverse": lambda items: items[::-1],
    "top half": lambda items: items[len(items) // 2 :: -1],
    "bottom half": lambda items: items[len(items) // 2 + 1 :],
    "middle out": _middle_out,
}
"""Of a list with a middle, which the ciphers have."""


def _extensions(greeting: Greeting, host: str) -> Iterator[bytes]:
    if greeting.has_grease:
        yield GREASE + b"\0\0"
    name = host.encode("ascii", "replace")
    yield b"\0\0" + _sized(_sized(b"\0" + _sized(name)))
    yield bytes.fromhex("00170000 0001000101 ff01000100 000a000a0008001d001700180019 000b00020100 00230000")
    yield b"\0\x10" + _sized(_sized(b"".join(_protocols(greeting))))
    yield bytes.fromhex("000d0014001204030804040105030805050108060601 0201")
    share = b"\0\x1d" + _sized(secrets.token_bytes(32))
    yield b"\0\x33" + _sized(_sized(GREASE + b"\0\1\0" + share if greeting.has_grease else share))
    yield bytes.fromhex("002d00020101")
    if greeting.supported:
        versions = [bytes((3, minor)) for minor in range(1, greeting.supported + 1)]
        listed = (GREASE if greeting.has_grease else b"") + b"".join(_turned(versions, greeting))
        yield b"\0\x2b" + _sized(bytes((len(listed),)) + listed)


def _protocols(greeting: Greeting) -> Iterator[bytes]:
    offered = [one for one in PROTOCOLS if not (greeting.is_rare and one in COMMON)]
    return (bytes((len(one),)) + one for one in _turned(offered, greeting))


def _turned(items: list[bytes], greeting: Greeting) -> list[bytes]:
    return items[::-1] if greeting.is_backwards else items


class ServerHello(NamedTuple):
    """What an answer chose: cipher and version in hex, the protocol, and its extensions; '' for no answer."""

    cipher: str = ""
    version: str = ""
    protocol: str = ""
    extensions: str = ""


def fingerprint(answers: Sequence[bytes]) -> str:
    """The text that ten answers make: what each chose, and a hash of how it said so."""
    hellos = [read_hello(answer) for answer in answers]
    if not any(hello.version for hello in hellos):
        return NOTHING
    said = "".join(hello.protocol + hello.extensions for hello in hellos)
    chosen = "".join(_cipher_place(hello.cipher) + _version_letter(hello.version) for hello in hellos)
    return chosen + hashlib.sha256(said.encode("latin-1")).hexdigest()[:32]


def read_hello(answer: bytes) -> ServerHello:
    """What a server chose; nothing of the kind in an alert, or in what is no TLS."""
    data = answer.ljust(ANSWER_SIZE, b"\0")
    if data[0] != 0x16 or data[5] != SERVER_HELLO:
        return ServerHello()
    after = 44 + data[43]  # the session's id
    return ServerHello(data[after : after + 2].hex(), data[9:11].hex(), *_read_extensions(data, after + 3))


def _read_extensions(data: bytes, start: int) -> tuple[str, str]:
    length, size = int.from_bytes(data[3:5]), int.from_bytes(data[start : start + 2])
    is_odd = data[start + 3 : start + 6] == b"\x0e\xac\x0b" or data[82:85] == b"\x0f\xf0\x0b"
    if data[start] == 0x0B or start - 5 >= length or is_odd:
        return "", ""
    kinds, protocol, place = [], "", start + 2
    while place < start + 1 + size and place + 4 <= len(data):
        kind, end = data[place : place + 2].hex(), place + 4 + int.from_bytes(data[place + 2 : place + 4])
        kinds.append(kind)
        if kind == ALPN and not protocol:
            protocol = data[place + 7 : end].decode("latin-1")
        place = end
    return protocol, "-".join(kinds)


def _cipher_place(cipher: str) -> str:
    """Where a cipher stands among those that were offered, those of TLS 1.3 last; 0 for none."""
    place = ORDERED.index(cipher) if cipher in ORDERED else len(ORDERED)
    return f"{place + 1:02x}" if cipher else "00"


def _version_letter(version: str) -> str:
    return chr(ord("a") + int(version[3])) if version[3:].isdigit() else "0"
