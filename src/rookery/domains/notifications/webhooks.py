"""Webhooks: JSON that is posted, signed, and never to where machines keep what is theirs alone.

    X-Rookery-Timestamp: 1764281400
    X-Rookery-Signature: sha256=HMAC-SHA256(secret, timestamp + "." + body), in hex

Whoever receives one computes the same over the raw body, and refuses what is older than a few minutes.
"""

from __future__ import annotations

import hmac
import ssl
import time
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from rookery import __version__
from rookery.base.retry_after import seconds_of
from rookery.domains.notifications.errors import ChannelFailed, ChannelNotValid, ChannelRefused
from rookery.domains.notifications.rendering import Message
from rookery.domains.notifications.store import Address
from rookery.mechanisms.rook import Rook

SECONDS: Final = 15.0
LARGEST_ANSWER: Final = 4096
PORTS: Final = {"http": 80, "https": 443}
PASSING: Final = frozenset({408, 425, 429})
"""What of 4xx another attempt may not meet."""
METADATA: Final = frozenset(
    map(
        ip_address,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
"""Where clouds tell a machine its secrets, beside 169.254.0.0/16."""
_NAT64 = ip_network("64:ff9b::/96")


def check(url: str) -> None:
    """Raise ChannelNotValid unless something can be posted there."""
    if not _is_usable(url):
        raise ChannelNotValid("a webhook is a URL: http://HOST/PATH or https://HOST/PATH.")
    if "@" in urlsplit(url).netloc:
        raise ChannelNotValid("a webhook has no user and password in its URL: what it gets is signed.")


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in PORTS and has_place and url.isprintable() and " " not in url


def send(rook: Rook, address: Address, message: Message, delivery: str) -> None:
    """Post a message; `delivery` is the same when it is sent again. Raises ChannelFailed, ChannelRefused."""
    from rookery.mechanisms.engine import Request, Response
    from rookery.mechanisms.transport import HttpClient, OutOfScope, SlowedDown, TransportError

    parts = urlsplit(address.url)
    body = msgspec.json.encode({"delivery": delivery, **msgspec.structs.asdict(message)})
    headers = _headers(parts, body, address.secret, delivery)
    tls = rook.offload(ssl.create_default_context)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = Request(
        method="POST", scheme=parts.scheme, host=_ascii(parts.hostname or ""),
        port=parts.port or PORTS[parts.scheme], netloc=_ascii(parts.netloc), target=target, headers=headers,
        body=body, timeout=SECONDS, max_body=LARGEST_ANSWER,
    )  # fmt: skip

    async def post() -> Response:
        async with HttpClient(may_be_dialled, longest_pause=0.0, tls=tls) as client:
            return await client.send(request)

    try:
        response = rook.wait_for(post)
    except OutOfScope as error:
        raise ChannelRefused(f"No webhook goes there: {error}.") from None
    except SlowedDown as error:
        raise ChannelFailed(f"{error}.", error.retry_after) from None
    except TransportError as error:
        raise ChannelFailed(f"{error}.") from None
    _judge(response.status, response.header("retry-after"))


def _headers(parts: SplitResult, body: bytes, secret: str, delivery: str) -> tuple[tuple[str, str], ...]:
    timestamp = str(int(time.time()))
    return (
        ("Host", _ascii(parts.netloc)),
        ("User-Agent", f"Rookery/{__version__}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("X-Rookery-Delivery", delivery),
        ("X-Rookery-Timestamp", timestamp),
        ("X-Rookery-Signature", signature(secret, timestamp, body)),
    )


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What proves that a body came from who knows the secret, at that time."""
    signed = timestamp.encode() + b"." + body
    return f"sha256={hmac.digest(secret.encode(), signed, 'sha256').hex()}"


def may_be_dialled(host: str, address: str, port: int) -> bool:  # noqa: ARG001
    """Whether a webhook may go to an address: to any, private ones too, but for those of one link alone."""
    return is_for_others(ip_address(address.partition("%")[0]))


def is_for_others(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is none of those at which machines keep what is theirs alone."""
    place = _embedded(address)
    return not (place.is_link_local or place.is_multicast or place.is_unspecified or place in METADATA)


def _embedded(place: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(place, IPv4Address):
        return place
    if place in _NAT64:
        return IPv4Address(int(place) & 0xFFFFFFFF)
    return place.ipv4_mapped or place.sixtofour or place


def _judge(status: int, retry_after: str | None) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 500 and status not in PASSING:
        raise ChannelRefused(f"It answers {status}: look at its URL, and at what it expects.")
    raise ChannelFailed(f"It answers {status}; it is tried again.", seconds_of(retry_after) or 0.0)


def _ascii(name: str) -> str:
    try:
        name.encode("ascii")
    except UnicodeEncodeError:
        return name.encode("idna").decode()
    return name
