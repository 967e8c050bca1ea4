"""A target and the variables it gives to templates."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from rookery.base.errors import Invalid
from rookery.mechanisms.engine.errors import one_line
from rookery.mechanisms.engine.latin import narrow

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8192
IPV4 = re.compile(r"\d+(\.\d+){3}")


class BadUrl(Invalid):
    """The URL cannot be requested."""


def split_url(url: str) -> tuple[SplitResult, int]:
    """The parts of an http(s) URL and its port, made explicit; BadUrl in one line otherwise."""
    if len(url) > LONGEST_URL:
        raise BadUrl(f"a URL of {len(url):,} characters is too long")
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


@dataclass(frozen=True)
class Target:
    """One URL to look at. `url` is as it was given; a path in it is kept, as nuclei does."""

    url: str

    @cached_property
    def parts(self) -> SplitResult:
        """The URL split up."""
        return split_url(self.url)[0]

    @property
    def scheme(self) -> str:
        """http or https."""
        return self.parts.scheme

    @cached_property
    def host(self) -> str:
        """The host name or address, without port and brackets."""
        return self.parts.hostname or ""

    @cached_property
    def port(self) -> int:
        """The port, made explicit."""
        return split_url(self.url)[1]

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
            "File": name,
            "Scheme": self.scheme,
            "Input": self.url,
            "FQDN": self.host,
            "host": self.url,
            "ip": self.host if IPV4.fullmatch(self.host) else "",
        }
        return {name: narrow(value) for name, value in values.items()}
