"""The operations of an API, and the URL of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from rookery.domains.scans.openapi.errors import BadApiDocument
from rookery.domains.scans.openapi.parameters import Parameter, parameters_of, text_of
from rookery.domains.scans.openapi.references import References

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MOST_OPERATIONS = 10_000


class Operation(msgspec.Struct, frozen=True):
    """One operation: `GET /pets/{id}` on a server."""

    method: str
    path: str
    name: str
    server: str
    parameters: tuple[Parameter, ...]

    @property
    def key(self) -> str:
        """What a form and messages call it."""
        return f"{self.method} {self.path}"

    def missing(self, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        """The parameters that must have a value and have none, neither of their own nor among these."""
        return tuple(
            each for each in self.parameters if each.is_required and self._value(each, values) is None
        )

    def url(self, values: Mapping[str, str]) -> str:
        """Its URL, with these values and, where there is none, the document's own."""
        path, query = self.path, []
        for each in self.parameters:
            value = self._value(each, values)
            if each.place == "path":
                path = path.replace(f"{{{each.name}}}", quote(value or "", safe=""))
            elif value is not None:
                query.append((each.name, value))
        return self.server.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")

    def _value(self, parameter: Parameter, values: Mapping[str, str]) -> str | None:
        return values.get(parameter.name, parameter.value)


class Api(NamedTuple):
    """The operations of a document; those that cannot be understood, by their key, with the reason."""

    operations: tuple[Operation, ...]
    unusable: dict[str, str]


def read_api(document: dict[str, Any], *, base: str = "", server: str = "") -> Api:
    """The operations of a document, on the servers it names, or all on `server` where that is given.

    A server without a host stands relative to `base`, the URL the document came from. Raises BadApiDocument
    when it is no OpenAPI document.
    """
    if not _is_api(document):
        raise BadApiDocument(
            "it is not an OpenAPI document: it has neither `openapi: 3…` nor `swagger: 2.0`."
        )
    reading = _Reading(document, base, server)
    operations = list(reading.operations())
    return Api(tuple(operations), reading.unusable)


def _is_api(document: Mapping[str, Any]) -> bool:
    return str(document.get("openapi", "")).startswith("3") or str(document.get("swagger", "")).startswith(
        "2"
    )


class _Reading:
    def __init__(self, document: dict[str, Any], base: str, server: str) -> None:
        self._document, self._base, self._given = document, base, server
        self._references = References(document)
        self.unusable: dict[str, str] = {}

    def operations(self) -> Iterator[Operation]:
        paths = self._document.get("paths")
        seen = 0
        for path, item in paths.items() if isinstance(paths, dict) else ():
            try:
                shared = self._references.resolve(item)
            except BadApiDocument as error:
                self.unusable[str(path)] = str(error)
                continue
            for method in (method for method in METHODS if method in shared):
                seen += 1
                if seen > MOST_OPERATIONS:
                    raise BadApiDocument(f"it has more than {MOST_OPERATIONS:,} operations.")
                yield from self._operation(method, str(path), shared)

    def _operation(self, method: str, path: str, shared: dict[str, Any]) -> Iterator[Operation]:
        key = f"{method.upper()} {path}"
        try:
            own = self._references.resolve(shared[method])
            levels = (shared.get("parameters"), own.get("parameters"))
            parameters = parameters_of(levels, self._references)
            server = self._server(own, shared)
        except BadApiDocument as error:
            self.unusable[key] = str(error)
            return
        name = own.get("operationId")
        parameters += tuple(_undeclared(path, parameters))
        yield Operation(method.upper(), path, name if isinstance(name, str) else "", server, parameters)

    def _server(self, *levels: dict[str, Any]) -> str:
        if self._given:
            return self._given
        if "swagger" in self._document:
            return self._checked(self._swagger_server())
        for level in (*levels, self._document):
            servers = level.get("servers")
            if isinstance(servers, list) and servers:
                return self._checked(_filled(self._references.resolve(servers[0])))
        return self._checked("/")

    def _swagger_server(self) -> str:
        """Of version 2: schemes, host and basePath."""
        schemes = self._document.get("schemes")
        known = urlsplit(self._base)
        scheme = next((one for one in ("https", "http") if isinstance(schemes, list) and one in schemes), "")
        host = text_of(self._document.get("host")) or known.netloc
        path = text_of(self._document.get("basePath")) or "/"
        return f"{scheme or known.scheme or 'http'}://{host}{path}" if host else path

    def _checked(self, server: str) -> str:
        try:
            url = urljoin(self._base, server)
            parts = urlsplit(url)
        except ValueError as error:
            raise BadApiDocument(f"its server {server[:100]!r} is no URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadApiDocument("it names no server with http:// or https://: give one with --server URL")
        return url


def _filled(server: dict[str, Any]) -> str:
    """A server's URL with the defaults of its variables."""
    url, variables = str(server.get("url", "/")), server.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        default = text_of(variable.get("default")) if isinstance(variable, dict) else None
        url = url.replace(f"{{{name}}}", default or "")
    return url


def _undeclared(path: str, declared: tuple[Parameter, ...]) -> Iterator[Parameter]:
    """The parameters of a path that the document forgot to declare."""
    known = {each.name for each in declared if each.place == "path"}
    for part in path.split("{")[1:]:
        name, closed, _ = part.partition("}")
        if closed and name not in known:
            yield Parameter(name, "path", is_required=True, value=None, hint="")
