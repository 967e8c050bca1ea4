"""What can be wrong with notifications.

ChannelNotFound, RuleNotFound (NotFound)
ChannelExists, RuleExists (Conflict)
ChannelChanged, RuleChanged (Conflict)    the revision is not the expected one
ChannelInUse (Conflict)                   names the rules that use it
ChannelNotValid, RuleNotValid (Invalid)   names the part, and what is allowed
ChannelFailed (TemporaryError)            it could not be reached, or said so; tried again
ChannelRefused (FatalError)               it will not take it, however often it is tried
"""

from __future__ import annotations

from rookery.base.errors import Conflict, FatalError, Invalid, NotFound, TemporaryError


class ChannelNotFound(NotFound):
    """There is no such channel: `rookery notifications channels list` shows those there are."""


class RuleNotFound(NotFound):
    """There is no such rule: `rookery notifications rules list` shows those there are."""


class ChannelExists(Conflict):
    """There is a channel of that name already."""


class RuleExists(Conflict):
    """There is a rule of that name already."""


class ChannelChanged(Conflict):
    """Somebody has changed the channel meanwhile: look at it again."""


class RuleChanged(Conflict):
    """Somebody has changed the rule meanwhile: look at it again."""


class ChannelInUse(Conflict):
    """Rules use that channel: change or remove them first."""


class ChannelNotValid(Invalid):
    """That is no channel."""


class RuleNotValid(Invalid):
    """That is no rule."""


class ChannelFailed(TemporaryError):
    """The channel could not deliver it now; it is tried again."""

    def __init__(self, message: str | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ChannelRefused(FatalError):
    """The channel does not take it, and will not: look at its URL."""
