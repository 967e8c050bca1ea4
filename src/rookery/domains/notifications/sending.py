"""The two ways a message goes out."""

from __future__ import annotations

from urllib.parse import urlsplit

from rookery.domains.notifications import apprises, webhooks
from rookery.domains.notifications.errors import ChannelNotValid
from rookery.domains.notifications.rendering import Message
from rookery.domains.notifications.store import Address
from rookery.mechanisms.rook import Rook

LONGEST_URL = 2_000


def check(kind: str, url: str) -> None:
    """Raise ChannelNotValid unless a channel of this kind can have this URL; ConfigError without Apprise."""
    if len(url) > LONGEST_URL:
        raise ChannelNotValid(f"a URL has at most {LONGEST_URL:,} characters.")
    if kind not in ("webhook", "apprise"):
        raise ChannelNotValid(f"a channel is a webhook or apprise, not {kind[:40]!r}.")
    (webhooks if kind == "webhook" else apprises).check(url)


def send(rook: Rook, kind: str, address: Address, message: Message, delivery: str) -> None:
    """Send a message over a channel. Raises ChannelFailed, ChannelRefused, ConfigError without Apprise."""
    if kind == "webhook":
        webhooks.send(rook, address, message, delivery)
    else:
        rook.offload(apprises.send, address, message)


def shown(url: str) -> str:
    """As much of a URL as is no secret: of ours the host, of others not even that, which may be a token."""
    scheme = url.partition("://")[0]
    is_ours = scheme in webhooks.PORTS
    return f"{scheme}://{urlsplit(url).netloc}/***" if is_ours else f"{scheme}://***"
