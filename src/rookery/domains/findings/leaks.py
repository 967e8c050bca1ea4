"""Secrets in what a server said: a leaked file is evidence enough without the passwords that are in it.

Names stay, so that one sees what leaked; values under secret names, private keys, password hashes and tokens
are masked. RE2 on bytes: linear time, whatever the server sends.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from rookery.base.redact import MASK, is_secret_key

WORDS = (
    "passw|passphrase|pwd|secret|token|api_?-?key|access_?-?key|private_?-?key|encryption_?-?key|"
    "signing_?-?key|psk|community|authorization|bearer|cookie"
)
"""What a name may contain that `is_secret_key` calls a secret's."""
NAME = rf"[A-Za-z0-9_.-]{{0,40}}(?:{WORDS})[A-Za-z0-9_.-]{{0,40}}"
VALUE = r""""[^"\r\n]+"|'[^'\r\n]+'|(?:(?:bearer|basic|digest) +)?[^\s"'&,;<>(){}\[\]]+"""
HARMLESS = frozenset({b"null", b"none", b"true", b"false"})
HIDDEN = MASK.encode()
MOST = 500
"""Named values that are looked at: each takes 15 µs, and a hostile page holds thousands."""
MORE = "\n[… more of such, cut]".encode()


class Patterns(NamedTuple):
    """`hint` tells quickly that there is nothing. `assigned` finds `name = value` as files, JSON, PHP and
    forms have it, `element` XML's, `typed` what network devices say: `secret 5 $1$…`."""

    hint: Any
    assigned: Any
    element: Any
    typed: Any
    key: Any
    token: Any


@cache
def patterns() -> Patterns:
    """Compiled when the first evidence comes."""
    import re2

    def compiled(*parts: str) -> Any:
        return re2.compile("".join(parts).encode())

    return Patterns(
        hint=compiled(rf"(?i){WORDS}|PRIVATE KEY|\$\w{{1,10}}\$|\{{S?SHA|\beyJ"),
        assigned=compiled(
            rf"""(?i)({NAME})(["']?\s{{0,3}}(?:=>|[:=])\s{{0,3}}|["'],\s{{0,3}})({VALUE})""",
        ),
        element=compiled(rf"(?i)<({NAME})(>)([^<]+)"),
        typed=compiled(r"(?i)\b((?:password|secret|key) +\d|snmp-server +community) +\S+"),
        key=compiled(
            r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?",
            r"(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
        ),
        token=compiled(
            r"""\$(?:apr1|[1-9y]|2[abxy]|argon2[a-z]*)\$[^\s:"'<>&;\\]{8,}|""",
            r"\{S?SHA(?:256|512)?\}[\w+/=]{20,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
        ),
    )


def without_secrets(text: str) -> str:
    """The text, secrets in it masked; itself when there are none. Idempotent."""
    known, data = patterns(), text.encode("utf-8", "surrogatepass")
    if known.hint.search(data) is None:
        return text
    data = known.key.sub(rb"\1\n***\n\2", data)
    data = _masked(known.assigned, data)
    data = _masked(known.element, data)
    data = known.typed.sub(rb"\1 ***", data)
    return str(known.token.sub(HIDDEN, data).decode("utf-8", "surrogatepass"))


def _masked(pattern: Any, data: bytes) -> bytes:
    pieces: list[bytes] = []
    end = 0
    for number, found in enumerate(pattern.finditer(data)):
        if number == MOST:
            return b"".join((*pieces, MORE))
        pieces += (data[end : found.start(3)], _hidden(found))
        end = found.end(3)
    return b"".join((*pieces, data[end:]))


def _hidden(found: Any) -> bytes:
    name, _, value = found.groups()
    if not is_secret_key(name.decode()) or value.lower() in HARMLESS:
        return bytes(value)
    quote = value[:1] if value[:1] in (b'"', b"'") else b""
    return bytes(quote + HIDDEN + quote)
