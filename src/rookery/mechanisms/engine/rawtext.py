"""Raw requests as text: annotations, request line, headers, body."""

from __future__ import annotations

import re
from typing import NamedTuple

from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.latin import to_bytes
from rookery.mechanisms.engine.target import BadUrl

METHOD = re.compile(r"[A-Za-z]{1,20}")
ANNOTATION = re.compile(r"[ \t]*@(?P<name>[a-zA-Z-]+)(?P<colon>:?)(?P<value>[^\n]*)\n?")
VERSION = re.compile(r"\s+HTTP/\d")
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)?")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
LONGEST_TIMEOUT = 300.0


class Annotations(NamedTuple):
    """What lines before a raw request say: seconds it may take, whom to ask instead of the target, what to
    ask for in the TLS handshake, and that it is sent once, not once for each payload."""

    timeout: float | None = None
    host: str = ""
    server_name: str = ""
    once: bool = False


class RawRequest(NamedTuple):
    """A raw request taken apart; text holds a character per byte."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


def split_annotations(raw: str) -> tuple[Annotations, str]:
    """The annotations such as `@timeout: 20s` before a raw request, and the text after them.

    UnsupportedTemplate for annotations nobody knows, ValueError for a bad duration or when nothing follows.
    """
    found, text = Annotations(), raw.lstrip("\r\n")
    while (match := ANNOTATION.match(text)) is not None:
        text = text[match.end() :]
        found = _annotated(found, match["name"], bool(match["colon"]), match["value"].strip())
    if not text.strip():
        raise ValueError("a raw request is empty")
    return found, text


def _annotated(found: Annotations, written: str, has_value: bool, value: str) -> Annotations:
    name = written.lower()
    if name == "once":
        return found._replace(once=True)
    if name not in ("timeout", "host", "tls-sni"):
        raise UnsupportedTemplate(f"the annotation @{written[:20]} is not known")
    if not has_value or not value:
        return found  # nuclei ignores `@timeout 20s`, too
    if name == "timeout":
        return found._replace(timeout=_seconds(value))
    return found._replace(host=value) if name == "host" else found._replace(server_name=value)


def _seconds(text: str) -> float:
    """The duration, which may be composed: 1m30s."""
    parts = DURATION.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(f"@timeout {text!r} is not a duration such as 20s")
    return min(sum(float(number) * SECONDS[unit] for number, unit in parts), LONGEST_TIMEOUT)


def parse_raw(text: str) -> RawRequest:
    """The request in a rendered text. Multipart bodies keep their last line end. BadUrl for a bad method."""
    head, body = _split_head(text.lstrip("\r\n"))
    first, *lines = head.split("\n")
    headers = [_header(line) for line in lines if line.partition(":")[0].strip() and ":" in line]
    keeps_end = any(
        name.lower() == "content-type" and "multipart/" in value.lower() for name, value in headers
    )
    method, path = _request_line(first)
    return RawRequest(method, path, headers, to_bytes(body if keeps_end else body.removesuffix("\r\n")))


def _request_line(line: str) -> tuple[str, str]:
    """Method and path; the path ends where the version begins, whatever an author wrote behind it."""
    method, _, rest = VERSION.split(line.strip(), maxsplit=1)[0].partition(" ")
    return checked_method(method.strip()), rest.strip()


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def checked_method(text: str) -> str:
    """The method, when it can be one; BadUrl otherwise."""
    if not METHOD.fullmatch(text):
        raise BadUrl(f"{text[:20]!r} is not an HTTP method")
    return text


def _split_head(text: str) -> tuple[str, str]:
    """Head with bare line ends, and body as written; a blank line parts them."""
    match = re.search(r"\r?\n\r?\n", text)
    head, body = (text, "") if match is None else (text[: match.start()], text[match.end() :])
    return head.replace("\r\n", "\n").rstrip("\r\n"), body
