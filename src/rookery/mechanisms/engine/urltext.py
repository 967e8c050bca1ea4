"""How a request's path and query are written on the wire: as nuclei writes them, which probes depend on."""

from __future__ import annotations

import re
from itertools import dropwhile
from urllib.parse import unquote_to_bytes

from rookery.mechanisms.engine.latin import to_bytes

BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
UNSAFE_IN_QUERY = re.compile(r"[\x00-\x20\x7f-\xff]")
VALID_PATH = re.compile(r"[A-Za-z0-9_.~!$&'()*+,;=:@\[\]/%-]*")
ESCAPED_IN_PATH = re.compile(r"[^A-Za-z0-9_.~$&+,/:;=@-]")


def encode_target(path: str, query: str) -> str:
    """The request target; in the query only what would break the request line is percent-encoded."""
    encoded = encode_path(path)
    return f"{encoded}?{UNSAFE_IN_QUERY.sub(_escape, query)}" if query else encoded


def encode_request_target(path: str, query: str) -> str:
    """The same for a template's request, with the query as nuclei arranges it."""
    encoded = encode_path(path)
    return f"{encoded}?{encode_query(query)}" if query else encoded


def encode_path(path: str) -> str:
    """As Go does it: a path of valid characters stays as it is; any other is unescaped and escaped anew, so
    that %2f becomes a slash in it. A percent sign that escapes nothing is escaped itself."""
    path = BAD_ESCAPE.sub("%25", path if path.startswith("/") else f"/{path}")
    if VALID_PATH.fullmatch(path):
        return path
    return ESCAPED_IN_PATH.sub(_escape, unquote_to_bytes(to_bytes(path)).decode("latin-1"))


def encode_query(query: str, *, keep_equals: bool = False) -> str:
    """Parameters of one name together, an empty value without its equals sign (or, on request, each with
    one), spaces as plus signs, bytes beyond ASCII escaped, and all else as it was written."""
    values: dict[str, list[str]] = {}
    for pair in query.removesuffix("&").split("&"):
        name, _, value = pair.partition("=")
        values.setdefault(_encoded(name), []).append(_encoded(value))
    pairs = [
        f"{name}={value}" if value or keep_equals else name
        for name, several in values.items()
        for value in several
    ]
    return "&".join(dropwhile(lambda pair: not pair, pairs))


def _encoded(text: str) -> str:
    return UNSAFE_IN_QUERY.sub(lambda match: "+" if match[0] == " " else _escape(match).lower(), text)


def _escape(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"
