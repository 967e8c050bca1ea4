"""What can go wrong before a scan starts. What goes wrong during one becomes an Error item of its run."""

from __future__ import annotations

from rookery.base.errors import Conflict, Invalid, NotAllowed, NotFound


class BadTarget(Invalid):
    """A target is not an http:// or https:// URL."""


class BadScopeEntry(Invalid):
    """A scope entry is an address, a network in CIDR form, a host name, or *.domain."""


class TargetOutOfScope(NotAllowed):
    """The target is not in the scope, so it is not scanned."""


class AlreadyInScope(Conflict):
    """That is in the scope already."""


class NotInScope(NotFound):
    """That is not in the scope. `rookery scope list` shows what is."""


class NothingToScan(Invalid):
    """No template is left to run after the selection."""


class RunExists(Conflict):
    """A run has this id already: leave run_id out of the plan, or give another."""
