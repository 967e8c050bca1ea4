"""From `path` and `raw` to the requests that are sent. Compiled once; building one fills in the values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult

from rookery.mechanisms.engine.errors import TemplateError, UnsupportedTemplate
from rookery.mechanisms.engine.latin import narrow, to_bytes, widen
from rookery.mechanisms.engine.messages import LARGEST_BODY, Request
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.rawtext import checked_method, parse_raw, split_annotations
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.target import BadUrl, Target, split_url
from rookery.mechanisms.engine.values import Values

USER_AGENT = "Mozilla/5.0 (compatible; Rookery)"
BROWSER_LIKE = (("Accept", "*/*"), ("Accept-Language", "en"))
LARGEST_PAGE = 1 << 20  # bytes of a page that is only looked at to see whether it is there
BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
UNSAFE_IN_TARGET = re.compile(r"[\x00-\x20\x7f-\xff]")
CONTROL = re.compile(r"[\r\n\x00]")
RECOMPUTED = frozenset(("content-length", "transfer-encoding"))


class RequestPlan(Protocol):
    """A compiled request."""

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        ...

    def build(self, values: Values) -> Request:
        """The request with its values; Unresolved or BadUrl when there can be none."""
        ...


@dataclass(frozen=True, slots=True)
class PathPlan:
    """A request given by method, URL, headers and body."""

    method: Text
    url: Text
    headers: tuple[tuple[str, Text], ...]
    body: Text
    max_body: int
    lenient: bool

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (self.method, self.url, self.body, *(value for _, value in self.headers))

    def build(self, values: Values) -> Request:
        """The request for the target of these values."""
        values.trim_base(trimmed=self.url.source.startswith("{{BaseURL}}/"))
        fill = _filler(values, lenient=self.lenient)
        parts, port = split_url(fill(self.url))
        body = fill(self.body)
        if "\n" in body and "\r\n" not in body:
            body = body.replace("\n", "\r\n")
        method = checked_method(fill(self.method))
        netloc = parts.netloc.rpartition("@")[2]
        own = [(name, fill(value)) for name, value in self.headers]
        return Request(
            method=method,
            scheme=parts.scheme,
            host=_host(parts, values.target),
            port=port,
            netloc=netloc,
            target=encode_target(parts.path or "/", _merged_query(values.target, netloc, parts.query)),
            headers=_complete(own, netloc, method, to_bytes(body), BROWSER_LIKE),
            body=to_bytes(body),
            max_body=self.max_body,
        )


@dataclass(frozen=True, slots=True)
class RawPlan:
    """A request given as text: request line, headers, blank line, body."""

    text: Text
    headers: tuple[tuple[str, Text], ...]
    automerge: bool
    timeout: float | None
    max_body: int
    lenient: bool

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (self.text, *(value for _, value in self.headers))

    def build(self, values: Values) -> Request:
        """The request, always dialled at the target, whatever its Host header says."""
        values.trim_base(trimmed=True)
        fill = _filler(values, lenient=self.lenient)
        target = values.target
        method, path, own, body = parse_raw(fill(self.text))
        overlay = [(name, fill(value)) for name, value in self.headers]
        replaced = {name.lower() for name, _ in overlay}
        own = [pair for pair in own if pair[0].lower() not in replaced] + overlay
        return Request(
            method=method,
            scheme=target.scheme,
            host=target.host,
            port=target.port,
            netloc=target.netloc,
            target=self._request_target(path, target),
            headers=_complete(own, narrow(target.netloc), method, body, ()),
            body=body,
            timeout=self.timeout,
            max_body=self.max_body,
        )

    def _request_target(self, path: str, target: Target) -> str:
        if re.match(r"https?://", path):
            parts, _ = split_url(path)
            return encode_target(parts.path or "/", parts.query)
        own, _, query = path.partition("?")
        if self.automerge:
            base = narrow(target.parts.path)
            own = f"{base.removesuffix('/')}/{own.removeprefix('/')}" if own not in ("", "/") else base or "/"
        return encode_target(own or "/", query)


def _filler(values: Values, *, lenient: bool) -> Callable[[Text], str]:
    """How texts get their values; skip-variables-check leaves what has none as it was written."""
    return lambda text: text.render_leniently(values.given) if lenient else text.render(values.given)


def encode_target(path: str, query: str) -> str:
    """The request target: what would break the request line is percent-encoded, the rest stays as written."""
    whole = f"{path if path.startswith('/') else '/' + path}{'?' + query if query else ''}"
    escaped = BAD_ESCAPE.sub("%25", whole)
    return UNSAFE_IN_TARGET.sub(lambda match: f"%{ord(match[0]):02X}", escaped)


def _host(parts: SplitResult, target: Target) -> str:
    """The host to dial; the target's own keeps its spelling, whatever script it is written in."""
    is_target = parts.netloc.rpartition("@")[2] == narrow(target.netloc)
    return target.host if is_target else widen(parts.hostname or "")


def _merged_query(target: Target, netloc: str, own: str) -> str:
    """The target's own parameters come first, when the request goes to the target."""
    if netloc != narrow(target.netloc) or not target.query:
        return own
    return f"{narrow(target.query)}&{own}" if own else narrow(target.query)


def _complete(
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
        headers=_complete([], netloc, "GET", b"", BROWSER_LIKE),
        max_body=LARGEST_PAGE,
    )


def compile_requests(spec: HttpSpec, path: str) -> tuple[RequestPlan, ...]:
    """The requests of a block, in the order they are sent: its paths, then its raw ones."""
    max_body = spec.max_size if 0 < spec.max_size < LARGEST_BODY else LARGEST_BODY
    headers = tuple((narrow(name), compile_text(narrow(value))) for name, value in spec.headers.items())
    if any("{{" in name for name, _ in headers):
        raise UnsupportedTemplate("placeholders in header names are not run yet", path=path)
    body, method = compile_text(narrow(spec.body)), compile_text(spec.method or "GET")
    paths = [
        PathPlan(method, compile_text(narrow(url)), headers, body, max_body, spec.skip_variables_check)
        for url in spec.path
    ]
    raws = [_compile_raw(raw, headers, spec, max_body, path) for raw in spec.raw]
    return (*paths, *raws)


def _compile_raw(
    raw: str, headers: tuple[tuple[str, Text], ...], spec: HttpSpec, max_body: int, path: str
) -> RawPlan:
    try:
        timeout, text = split_annotations(raw)
    except ValueError as error:
        raise TemplateError(str(error), path=path, line=spec.line) from None
    return RawPlan(
        text=compile_text(narrow(text)),
        headers=headers,
        automerge=not spec.disable_path_automerge,
        timeout=timeout,
        max_body=max_body,
        lenient=spec.skip_variables_check,
    )
