"""Raw requests as text: annotations, request line, headers, body."""

from __future__ import annotations

import re
from typing import NamedTuple

from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.latin import to_bytes
from rookery.mechanisms.engine.target import BadUrl

METHOD = re.compile(r"[A-Za-z]{1,20}")
ANNOTATION = re.compile(r"[ \t]*@(?P<name>[a-zA-Z-]+)(?P<colon>:?)(?P<value>[^\n]*)\n?")
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)?")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}
LONGEST_TIMEOUT = 300.0


class RawRequest(NamedTuple):
    """A raw request taken apart; text holds a character per byte."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


def split_annotations(raw: str) -> tuple[float | None, str]:
    """The timeout that lines such as `@timeout: 20s` give, in seconds, and the text after them.

    UnsupportedTemplate for other annotations, ValueError for a bad duration or when nothing follows.
    """
    timeout, text = None, raw.lstrip("\r\n")
    while (match := ANNOTATION.match(text)) is not None:
        text = text[match.end() :]
        if not match["colon"]:
            continue  # nuclei ignores `@timeout 20s`, too
        if match["name"].lower() != "timeout":
            raise UnsupportedTemplate(f"the annotation @{match['name']} is not run yet")
        timeout = _seconds(match["value"].strip())
    if not text.strip():
        raise ValueError("a raw request is empty")
    return timeout, text


def _seconds(text: str) -> float:
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"@timeout {text!r} is not a duration such as 20s")
    return min(float(match[1]) * SECONDS[match[2]], LONGEST_TIMEOUT)


def parse_raw(text: str) -> RawRequest:
    """The request in a rendered text. Multipart bodies keep their last line end. BadUrl for a bad method."""
    head, body = _split_head(text.lstrip("\r\n"))
    first, *lines = head.split("\n")
    headers = [_header(line) for line in lines if line.partition(":")[0].strip() and ":" in line]
    keeps_end = any(
        name.lower() == "content-type" and "multipart/" in value.lower() for name, value in headers
    )
    method, path = _request_line(first)
    return RawRequest(method, path, headers, to_bytes(body if keeps_end else body.rstrip("\r\n")))


def _request_line(line: str) -> tuple[str, str]:
    method, *words = line.split(" ")
    if len(words) > 1 and words[-1].startswith("HTTP/"):
        words.pop()
    return checked_method(method.strip()), " ".join(words).strip()


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
