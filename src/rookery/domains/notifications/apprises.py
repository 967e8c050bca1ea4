"""Apprise's channels: mail, Slack, Teams, Telegram and some hundred others; `rookery[notify]` has it."""

from __future__ import annotations

import logging
import re
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from rookery.base.errors import ConfigError
from rookery.domains.notifications.errors import ChannelFailed, ChannelNotValid
from rookery.domains.notifications.rendering import Message
from rookery.domains.notifications.store import Address
from rookery.domains.notifications.webhooks import is_for_others

OURS: Final = frozenset({"http", "https", "json", "jsons", "xml", "xmls", "form", "forms"})
"""Schemes that post to any address: webhooks do, signed, and with a look at where they go."""
LONGEST_SAID: Final = 300
METADATA_NAME: Final = "metadata.google.internal"
_SHORTEST_PART: Final = 6


def check(url: str) -> None:
    """Raise ChannelNotValid unless Apprise knows what to do with the URL; ConfigError without Apprise."""
    scheme = url.partition("://")[0].lower()
    if scheme in OURS:
        raise ChannelNotValid(f"{scheme}:// is a webhook: add it as one.")
    refuse_own(url)
    if scheme == url.lower() or _loaded(url) is None:
        raise ChannelNotValid("Apprise knows no such URL: see https://appriseit.com/services/ for its forms.")


def send(address: Address, message: Message) -> None:
    """Have Apprise send a message. Raises ChannelFailed."""
    import apprise

    refuse_own(address.url)
    channel = _loaded(address.url)
    if channel is None:
        raise ChannelFailed("Apprise does not know its URL any more.")
    capture: Any = apprise.LogCapture  # which has no types
    with capture(level=logging.WARNING) as captured:
        try:
            is_sent = channel.notify(message.text, title=message.subject, body_format="text")
        except TypeError as error:  # how Apprise says that there is nothing to send
            raise ChannelFailed(f"Apprise: {error}") from None
        said = captured.getvalue()
    if not is_sent:
        raise ChannelFailed(f"Apprise could not send it. {_without(address.url, said)}".rstrip())


def refuse_own(url: str) -> None:
    """Raise ChannelNotValid for a URL with an address at which a machine keeps what is its own.

    Names are not looked up: with many services what stands there is a secret, and Apprise dials by itself.
    """
    try:
        host = urlsplit(url).hostname or ""
        is_own = host == METADATA_NAME or not is_for_others(ip_address(host))
    except ValueError:
        return
    if is_own:
        raise ChannelNotValid("nothing is sent to where a machine keeps what is its own.")


def _loaded(url: str) -> Any:
    """Apprise with this one channel; None for a URL that it does not know. Raises ConfigError."""
    try:
        import apprise
    except ImportError:
        raise ConfigError("This channel needs Apprise: pip install 'rookery[notify]'") from None
    asset = apprise.AppriseAsset(async_mode=False, app_id="Rookery", app_desc="Rookery", app_url="")
    found = apprise.Apprise(asset=asset)
    return found if found.add(url) else None


def _without(url: str, said: str) -> str:
    """What Apprise said, on one line, without any part of the URL that may be a secret."""
    host = urlsplit(url).hostname or ""
    for part in re.split(r"[/?&=@:#]+", url):
        if len(part) >= _SHORTEST_PART and part.lower() != host:
            said = said.replace(part, "***")
    return re.sub(r"\s+", " ", said).strip()[:LONGEST_SAID]
