"""From `path` and `raw` to the requests that are sent. Compiled once; building one fills in the values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult

from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.latin import narrow, to_bytes, widen
from rookery.mechanisms.engine.messages import LARGEST_BODY, Request
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.rawtext import checked_method
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.target import BadUrl, Target, split_url
from rookery.mechanisms.engine.urltext import encode_request_target, encode_target
from rookery.mechanisms.engine.values import Values

USER_AGENT = "Mozilla/5.0 (compatible; Rookery)"
BROWSER_LIKE = (("Accept", "*/*"), ("Accept-Language", "en"))
LARGEST_PAGE = 1 << 20  # bytes of a page that is only looked at to see whether it is there
LONGEST_PAUSE = 30.0  # seconds
CALL = re.compile(r"wait_?for\(")
WAIT = re.compile(r"wait_?for\(\s*(\d{1,6}(?:\.\d{1,6})?)\s*\)")
CONTROL = re.compile(r"[\r\n\x00]")
ENDS_WITH_SLASH = re.compile(r"\{\{[a-zA-Z]+\}\}/")
OTHER_PORT = re.compile(r"(\{\{(?:BaseURL|RootURL)\}\}):(\d{1,5})")
RECOMPUTED = frozenset(("content-length", "transfer-encoding"))


class RequestPlan(Protocol):
    """A compiled request."""

    @property
    def once(self) -> bool:
        """Whether it is sent once per execution, not once for each payload."""
        ...

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        ...

    def build(self, values: Values) -> Request:
        """The request with its values; Unresolved or BadUrl when there can be none."""
        ...


@dataclass(frozen=True, slots=True)
class PathPlan:
    """A request given by method, URL, headers and body. `port`, when there is one, replaces the target's."""

    method: Text
    url: Text
    headers: tuple[tuple[Text, Text], ...]
    body: Text
    max_body: int
    lenient: bool
    port: int = 0
    pause: float = 0.0
    once: bool = False

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (self.method, self.url, self.body, *(text for pair in self.headers for text in pair))

    def build(self, values: Values) -> Request:
        """The request for the target of these values."""
        values.use_target(trimmed=ENDS_WITH_SLASH.match(self.url.source) is not None, port=self.port)
        fill = filler(values, lenient=self.lenient)
        parts, port = split_url(fill(self.url))
        body = fill(self.body)
        method = checked_method(fill(self.method))
        netloc = parts.netloc.rpartition("@")[2]
        is_target = netloc == narrow(values.target.netloc)
        query = merged_query(values.target, parts.query) if is_target else parts.query
        own = [(fill(name), fill(value)) for name, value in self.headers]
        return Request(
            method=method,
            scheme=parts.scheme,
            host=host_of(parts, values.target),
            port=port,
            netloc=netloc,
            target=encode_request_target(parts.path or "/", query),
            headers=complete(own, netloc, method, to_bytes(body), BROWSER_LIKE),
            body=to_bytes(body),
            max_body=self.max_body,
            pause=self.pause,
        )


def filler(values: Values, *, lenient: bool) -> Callable[[Text], str]:
    """How texts get their values; skip-variables-check leaves what has none as it was written."""
    return lambda text: text.render_leniently(values.given) if lenient else text.render(values.given)


def host_of(parts: SplitResult, target: Target) -> str:
    """The host to dial; the target's own keeps its spelling, whatever script it is written in."""
    is_target = parts.netloc.rpartition("@")[2] == narrow(target.netloc)
    return target.host if is_target else widen(parts.hostname or "")


def merged_query(target: Target, own: str) -> str:
    """The target's own parameters come first."""
    return "&".join(part for part in (narrow(target.query), own) if part)


def complete(
    own: list[tuple[str, str]], netloc: str, method: str, body: bytes, defaults: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """The headers to send: Host first, the template's own, then defaults for what it leaves out."""
    kept = [(name, value) for name, value in own if name.lower() not in RECOMPUTED]
    if any(CONTROL.search(name) or CONTROL.search(value) for name, value in kept):
        raise BadUrl("a header holds a line break")
    given = {name.lower() for name, _ in kept}
    standard = [("User-Agent", USER_AGENT), *defaults, ("Accept-Encoding", "gzip")]
    host = [] if "host" in given else [("Host", netloc)]
    added = [pair for pair in standard if pair[0].lower() not in given]
    length = [("Content-Length", str(len(body)))] if body or method in ("POST", "PUT", "PATCH") else []
    return (*host, *kept, *added, *length)


def plain_get(target: Target) -> Request:
    """A GET of the target itself, as a template would send it."""
    netloc = narrow(target.netloc)
    return Request(
        method="GET",
        scheme=target.scheme,
        host=target.host,
        port=target.port,
        netloc=netloc,
        target=encode_target(narrow(target.parts.path) or "/", narrow(target.query)),
        headers=complete([], netloc, "GET", b"", BROWSER_LIKE),
        max_body=LARGEST_PAGE,
    )


def compile_paths(spec: HttpSpec) -> Iterator[PathPlan]:
    """The requests of a block that are given by path."""
    method, body = compile_text(spec.method or "GET"), compile_text(with_line_ends(narrow(spec.body)))
    headers, max_body = compile_headers(spec), wanted_size(spec)
    for path in spec.path:
        url, port = _without_port(narrow(path))
        text, lenient = compile_text(url), spec.skip_variables_check
        pause = pause_before((method, text, body, *(part for pair in headers for part in pair)))
        yield PathPlan(method, text, headers, body, max_body, lenient, port, pause)


def pause_before(texts: Iterable[Text]) -> float:
    """The seconds that wait_for() in a request asks to wait before it is sent."""
    waiting = [text.source for text in texts if text.calls & {"wait_for", "waitfor"}]
    seconds = sum(float(number) for source in waiting for number in WAIT.findall(source))
    if seconds > LONGEST_PAUSE or any(len(WAIT.findall(one)) != len(CALL.findall(one)) for one in waiting):
        raise UnsupportedTemplate(f"wait_for() is run with numbers, up to {LONGEST_PAUSE:g} seconds")
    return seconds


def _without_port(url: str) -> tuple[str, int]:
    """`{{BaseURL}}:8080/x` asks the target on another port."""
    match = OTHER_PORT.match(url)
    if match is None or not 0 < int(match[2]) < 65536:
        return url, 0
    return match[1] + url[match.end() :], int(match[2])


def compile_headers(spec: HttpSpec) -> tuple[tuple[Text, Text], ...]:
    """The names and values of a block's `headers`."""
    return tuple(
        (compile_text(narrow(name)), compile_text(narrow(value))) for name, value in spec.headers.items()
    )


def wanted_size(spec: HttpSpec) -> int:
    """How many bytes of a response are read."""
    return spec.max_size if 0 < spec.max_size < LARGEST_BODY else LARGEST_BODY


def with_line_ends(text: str) -> str:
    """The text with CRLF for each line feed, unless it has some CRLF already, as nuclei does."""
    return text if "\r\n" in text else text.replace("\n", "\r\n")
