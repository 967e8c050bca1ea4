"""What can go wrong with findings."""

from __future__ import annotations

from rookery.base.errors import Conflict, Invalid, NotFound


class FindingNotFound(NotFound):
    """There is no such finding. `rookery findings list` shows the ids."""


class DecisionNotValid(Invalid):
    """A decision lacks its reason, or an acceptance of risk the day on which it ends."""


class TransitionNotAllowed(Conflict):
    """From the state it is in, a finding does not come to that one."""


class FeedNotValid(Invalid):
    """The file is neither CISA's catalogue of exploited vulnerabilities (JSON) nor FIRST's EPSS (CSV)."""
