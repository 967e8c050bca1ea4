"""What can go wrong with findings."""

from __future__ import annotations

from rookery.base.errors import NotFound


class FindingNotFound(NotFound):
    """There is no such finding. `rookery findings list` shows the ids."""
