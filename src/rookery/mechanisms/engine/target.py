"""A target and the variables it gives to templates."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from rookery.base.errors import Invalid
from rookery.mechanisms.engine.errors import one_line
from rookery.mechanisms.engine.latin import narrow

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8192
LONGEST_HOST = 253
IPV4 = re.compile(r"\d+(\.\d+){3}")


@lru_cache(maxsize=1)
def _public_suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList  # its list takes 30 ms to read

    return PublicSuffixList()


@lru_cache(maxsize=1024)
def domain_variables(host: str) -> dict[str, str]:
    """The registered domain of a name (RDN), the same without suffix (DN), the suffix (TLD) and what comes
    before the domain (SD), by the public suffix list. An address has none of them."""
    registered = None if _is_address(host) else _public_suffixes().privatesuffix(host.rstrip(".").lower())
    if registered is None:
        return {}
    name, _, suffix = registered.partition(".")
    before = host.rstrip(".")[: -len(registered)].rstrip(".")
    values = {"RDN": registered, "DN": name, "TLD": suffix, "SD": before}
    return {name: narrow(value) for name, value in values.items()}


def _is_address(host: str) -> bool:
    return ":" in host or IPV4.fullmatch(host) is not None


PLAIN_URL = re.compile(
    r"(https?://[^/?#\\\[\]]+)(?=[/?]|$)"
)  # not all there is, but nearly all that is asked


class BadUrl(Invalid):
    """The URL cannot be requested."""


def split_url(url: str) -> tuple[SplitResult, int]:
    """The parts of an http(s) URL and its port, made explicit; BadUrl in one line otherwise."""
    if len(url) > LONGEST_URL:
        raise BadUrl(f"a URL of {len(url):,} characters is too long")
    match = PLAIN_URL.match(url) if url.isprintable() else None
    if match is None:
        return split_url_by_the_book(url)
    origin, port = _split_origin(match[1])
    rest, _, fragment = url[match.end() :].partition("#")
    path, _, query = rest.partition("?")
    return origin._replace(path=path, query=query, fragment=fragment), port


@lru_cache(maxsize=256)
def _split_origin(origin: str) -> tuple[SplitResult, int]:
    return split_url_by_the_book(origin)


def split_url_by_the_book(url: str) -> tuple[SplitResult, int]:
    """The same for any URL, with urllib."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise BadUrl(f"{one_line(url)} is not a URL: {error}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise BadUrl(f"{one_line(url)} is not a URL with http:// or https://")
    if not parts.hostname or re.search(r"[\s\x00-\x20\x7f]", parts.netloc):
        raise BadUrl(f"{one_line(url)} has no host name")
    return parts, port


def join_place(host: str, port: int) -> str:
    """`host:port`; an IPv6 address gets its brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_place(text: str) -> tuple[str, int]:
    """Host and port of `host:port`; BadUrl when it is something else."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") if host.startswith("[") or ":" not in host else ""
    if not host or re.search(r"[\s/\x00-\x20\x7f]", host) or len(host) > LONGEST_HOST:
        raise BadUrl(f"{one_line(text)} is not host:port")
    if not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise BadUrl(f"{one_line(text)} has no port")
    return host, int(port)


@dataclass(frozen=True)
class Target:
    """One thing to look at: a URL, or the path of a file. `url` is as it was given; a path in a URL is kept,
    as nuclei does. A URL serves templates of all protocols but file: they take its host and port."""

    url: str
    is_file: bool = False

    @cached_property
    def parts(self) -> SplitResult:
        """The URL split up; a file has a path only."""
        return SplitResult("", "", self.url, "", "") if self.is_file else split_url(self.url)[0]

    @property
    def scheme(self) -> str:
        """http or https."""
        return self.parts.scheme

    @property
    def given_port(self) -> int:
        """The port that was written, 0 for none."""
        return self.parts.port or 0

    def suits(self, protocols: Collection[str]) -> bool:
        """Whether a template with blocks of these protocols can be run on it."""
        return all((protocol == "file") is self.is_file for protocol in protocols)

    @cached_property
    def host(self) -> str:
        """The host name or address, without port and brackets."""
        return self.parts.hostname or ""

    @cached_property
    def port(self) -> int:
        """The port, made explicit; 0 for a file."""
        return 0 if self.is_file else split_url(self.url)[1]

    @cached_property
    def netloc(self) -> str:
        """Host and, where it was written, port; never a user name or password."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def query(self) -> str:
        """The query string, without its question mark."""
        return self.parts.query

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variables for a text that adds its own slash or none: BaseURL keeps its path as given."""
        return self._variables(self.parts.path)

    @cached_property
    def trimmed_variables(self) -> dict[str, str]:
        """The variables for `{{BaseURL}}/…`: the path's last slash is dropped."""
        return self._variables(self.parts.path.removesuffix("/"))

    def on_port(self, port: int) -> Target:
        """The same on another port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return Target(self.parts._replace(netloc=f"{host}:{port}").geturl())

    def _variables(self, path: str) -> dict[str, str]:
        root = f"{self.scheme}://{self.netloc}"
        folder, name = posixpath.split(path)
        values = {
            "BaseURL": root + path,
            "RootURL": root,
            "Hostname": self.netloc,
            "Host": self.host,
            "Port": str(self.port),
            "Path": folder,
            "Query": f"?{self.query}" if self.query else "",
            "File": name,
            "Scheme": self.scheme,
            "Input": self.url,
            "FQDN": self.host,
            "host": self.url,
            "ip": self.host if IPV4.fullmatch(self.host) else "",
        }
        return {name: narrow(value) for name, value in values.items()}
