"""Requests that templates write out as text: sent as parsed and completed, or (`unsafe`) as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rookery.mechanisms.engine.errors import TemplateError
from rookery.mechanisms.engine.latin import narrow, to_bytes, widen
from rookery.mechanisms.engine.messages import Request
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.rawtext import Annotations, parse_raw, split_annotations
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.requests import (
    RequestPlan,
    compile_headers,
    compile_paths,
    complete,
    filler,
    merged_query,
    pause_before,
    wanted_size,
    with_line_ends,
)
from rookery.mechanisms.engine.target import Target, split_url
from rookery.mechanisms.engine.urltext import encode_query, encode_request_target
from rookery.mechanisms.engine.values import Values

ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
WHERE = re.compile(r"(?:(https?)://)?([^/?#]+)", re.IGNORECASE)
HAS_PORT = re.compile(r"(.+):(\d{1,5})|\[[^\]]+\]:(\d{1,5})")


@dataclass(frozen=True, slots=True)
class RawPlan:
    """A request given as text: request line, headers, blank line, body. `host` and `server_name` are
    annotations that may hold placeholders."""

    text: Text
    headers: tuple[tuple[Text, Text], ...]
    automerge: bool
    timeout: float | None
    host: Text
    server_name: Text
    once: bool
    unsafe: bool
    max_body: int
    lenient: bool
    pause: float

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (self.text, self.host, self.server_name, *(text for pair in self.headers for text in pair))

    def build(self, values: Values) -> Request:
        """The request, dialled at the target whatever its Host header says, or where @Host says."""
        values.use_target(trimmed=True)
        fill = filler(values, lenient=self.lenient)
        text, target = fill(self.text), values.target
        request = self._exact(text, target) if self.unsafe else self._completed(text, target, fill)
        request = replace(request, timeout=self.timeout, max_body=self.max_body, pause=self.pause)
        return self._annotated(request, fill)

    def _completed(self, text: str, target: Target, fill: Callable[[Text], str]) -> Request:
        method, path, own, body = parse_raw(text)
        overlay = [(fill(name), fill(value)) for name, value in self.headers]
        replaced = {name.lower() for name, _ in overlay}
        own = [pair for pair in own if pair[0].lower() not in replaced] + overlay
        headers = complete(own, narrow(target.netloc), method, body, ())
        return _to(target, method, self._target(path, target), headers, body)

    def _exact(self, text: str, target: Target) -> Request:
        """The bytes as they are written, but for the path, which is put below the target's."""
        line = text.split("\n", 1)[0]
        words = line.split()
        method = words[0] if words else ""
        path = words[1] if len(words) > 1 and not words[1].startswith("HTTP/") else ""
        merged = self._exact_target(path, target)
        if path and merged != path:
            text = text.replace(path, merged, 1)
        return _to(target, method, merged, (), b"", to_bytes(text))

    def _target(self, path: str, target: Target) -> str:
        """The path below the target's own, the query after the target's."""
        if ABSOLUTE.match(path):
            parts, _ = split_url(path)
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        own, _, query = path.partition("#")[0].partition("?")
        base = narrow(target.parts.path) if self.automerge else ""
        return encode_request_target(_joined(base, own) or "/", merged_query(target, query))

    def _exact_target(self, path: str, target: Target) -> str:
        if not path or ABSOLUTE.match(path):
            return path
        own, _, query = path.partition("?")
        base = narrow(target.parts.path) if self.automerge else ""
        query = merged_query(target, query)
        query = encode_query(query, keep_equals=True) if query else ""
        if base not in ("", "/") or own.startswith("/"):
            own = _joined(base, own) or "/"
        return f"{own}?{query}" if query else own

    def _annotated(self, request: Request, fill: Callable[[Text], str]) -> Request:
        host, server_name = fill(self.host).strip(), fill(self.server_name).strip()
        if host:
            request = _elsewhere(request, host)
        if server_name == "request.host":
            server_name = request.header("host") or request.host
        name = HAS_PORT.fullmatch(server_name)
        if not server_name:
            return request
        return replace(request, server_name=(name[1] or server_name) if name else server_name)


def _to(
    target: Target,
    method: str,
    path: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    exact: bytes = b"",
) -> Request:
    return Request(
        method=method,
        scheme=target.scheme,
        host=target.host,
        port=target.port,
        netloc=narrow(target.netloc),
        target=path,
        headers=headers,
        body=body,
        exact=exact,
    )


def _joined(base: str, own: str) -> str:
    """Two paths as one, as nuclei joins them: what both have at the joint is there once."""
    if own in ("", "/"):
        return base or own
    if base.endswith("/"):
        own = own.lstrip("/")
    elif not own.startswith("/"):
        own = f"/{own}"
    if base == own or (len(base) > len(own) and base.endswith(own)):
        return base
    return own if len(base) < len(own) and own.startswith(base) else base + own


def _elsewhere(request: Request, where: str) -> Request:
    """The request to the host of an @Host annotation: a name or address, with scheme and port or without.

    Whether that may be dialled is decided where it is dialled."""
    match = WHERE.match(where)
    scheme = (match[1] or request.scheme).lower() if match else request.scheme
    netloc = match[2] if match else where
    if not HAS_PORT.fullmatch(netloc) and request.netloc.rpartition("]")[2].find(":") >= 0:
        netloc = f"{netloc}:{request.port}"
    parts, port = split_url(f"{scheme}://{widen(netloc)}/")
    return replace(request, scheme=scheme, host=parts.hostname or "", port=port, netloc=netloc)


def compile_requests(spec: HttpSpec, path: str) -> tuple[RequestPlan, ...]:
    """The requests of a block, in the order they are sent: its paths, then its raw ones."""
    return (*compile_paths(spec), *(_compile_raw(raw, spec, path) for raw in spec.raw))


def _compile_raw(raw: str, spec: HttpSpec, path: str) -> RawPlan:
    try:
        annotations, text = split_annotations(raw)
    except ValueError as error:
        raise TemplateError(str(error), path=path, line=spec.line) from None
    return _plan(text, annotations, spec)


def _plan(text: str, annotations: Annotations, spec: HttpSpec) -> RawPlan:
    compiled, headers = compile_text(narrow(with_line_ends(text))), compile_headers(spec)
    return RawPlan(
        text=compiled,
        headers=headers,
        automerge=not spec.disable_path_automerge,
        timeout=annotations.timeout,
        host=compile_text(narrow(annotations.host)),
        server_name=compile_text(narrow(annotations.server_name)),
        once=annotations.once,
        unsafe=spec.unsafe,
        max_body=wanted_size(spec),
        lenient=spec.skip_variables_check,
        pause=pause_before((compiled, *(part for pair in headers for part in pair))),
    )
