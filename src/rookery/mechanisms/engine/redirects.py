"""Following redirects, and the cookies of one execution. Pure: it only says what the next request is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urljoin

from rookery.mechanisms.engine.latin import narrow, widen
from rookery.mechanisms.engine.messages import Request, Response
from rookery.mechanisms.engine.target import BadUrl, split_url
from rookery.mechanisms.engine.urltext import encode_target

REDIRECTS = frozenset((301, 302, 303, 307, 308))
MOST_REDIRECTS = 10
NOT_FOR_OTHERS = frozenset(("authorization", "cookie", "www-authenticate"))
OF_A_BODY = frozenset(("content-length", "content-type"))
MOST_COOKIES = 100


@dataclass(frozen=True, slots=True)
class RedirectRule:
    """Whether and how far to follow: `any_host` to other hosts, else only within host and port."""

    follow: bool = False
    any_host: bool = False
    most: int = MOST_REDIRECTS

    def next(self, request: Request, response: Response) -> Request | None:
        """The request a response redirects to, None when it is not to be followed."""
        location = response.header("location") if response.status in REDIRECTS else None
        if not self.follow or location is None:
            return None
        following = redirected(request, response.status, location)
        if following is None or self.any_host or following.netloc == request.netloc:
            return following
        return None


def redirected(request: Request, status: int, location: str) -> Request | None:
    """The request for a Location, by Go's rules: 301, 302 and 303 turn into GET, 307 and 308 repeat.

    None when the location is no http(s) URL. Credentials are not sent on to another host.
    """
    try:
        parts, port = split_url(urljoin(widen(request.url), widen(location)))
    except (BadUrl, ValueError):
        return None
    netloc = narrow(parts.netloc.rpartition("@")[2])
    keeps_body = status in (307, 308)
    dropped = (NOT_FOR_OTHERS if netloc != request.netloc else {"cookie"}) | (
        set() if keeps_body else OF_A_BODY
    )
    headers = [(name, value) for name, value in request.headers if name.lower() not in dropped | {"host"}]
    return replace(
        request,
        method=request.method if keeps_body or request.method == "HEAD" else "GET",
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=port,
        netloc=netloc,
        target=encode_target(narrow(parts.path) or "/", narrow(parts.query)),
        headers=(("Host", netloc), *headers),
        body=request.body if keeps_body else b"",
    )


class CookieJar:
    """The cookies of one execution, by host: name and value only, which is what templates rely on."""

    def __init__(self) -> None:
        self._cookies: dict[str, dict[str, str]] = {}

    def store(self, request: Request, response: Response) -> None:
        """Remember what a response sets; a cookie that expires at once is forgotten."""
        for name, value in response.headers:
            if name.lower() == "set-cookie":
                self._store_one(self._cookies.setdefault(request.host, {}), value)

    @staticmethod
    def _store_one(cookies: dict[str, str], header: str) -> None:
        pair, *attributes = header.split(";")
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            return
        if any(attribute.strip().lower() in ("max-age=0", "max-age=-1") for attribute in attributes):
            cookies.pop(name.strip(), None)
        elif len(cookies) < MOST_COOKIES:
            cookies[name.strip()] = value.strip()

    def apply(self, request: Request) -> Request:
        """The request with the host's cookies after those it carries itself."""
        if not self._cookies:
            return request
        own = next((value for name, value in request.headers if name.lower() == "cookie"), "")
        carried = {pair.partition("=")[0].strip() for pair in own.split(";")}
        stored = self._cookies.get(request.host, {})
        added = [f"{name}={value}" for name, value in stored.items() if name not in carried]
        if not added:
            return request
        others = tuple(pair for pair in request.headers if pair[0].lower() != "cookie")
        return replace(request, headers=(*others, ("Cookie", "; ".join([own, *added] if own else added))))
