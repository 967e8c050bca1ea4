"""What can go wrong before a scan starts. What goes wrong during one becomes an Error item of its run."""

from __future__ import annotations

from rookery.base.errors import (
    Conflict,
    FatalError,
    Invalid,
    NotAllowed,
    NotFound,
    TemporaryError,
    Unavailable,
)


class BadPlan(Invalid):
    """A field of the scan plan is not what it may be; the message names it, and says what is allowed."""


class BadTarget(Invalid):
    """A target is not a URL, host, host:port or path that can be scanned."""


class BadScopeEntry(Invalid):
    """A scope entry is an address, a network in CIDR form, a host name, or *.domain."""


class TargetOutOfScope(NotAllowed):
    """The target is not in the scope, so it is not scanned."""


class FilesFromAfar(NotAllowed):
    """Files of this machine are not read for whoever asks from afar."""


class AlreadyInScope(Conflict):
    """That is in the scope already."""


class NotInScope(NotFound):
    """That is not in the scope. `rookery scope list` shows what is."""


class NothingToScan(Invalid):
    """No template is left to run after the selection."""


class RunExists(Conflict):
    """A run has this id already: leave run_id out of the plan, or give another."""


class UnknownTool(NotFound):
    """There is no tool of this name. `rookery tools list` shows those there are."""


class BrokenTool(FatalError):
    """A plug-in of this name is installed, but cannot be loaded: repair or remove it."""


class ToolUnusable(FatalError):
    """The program is missing, or cannot be used: `rookery tools list` says why."""


class ToolStopped(TemporaryError):
    """The program was killed, ran out of time or hung: what it found until then is kept; try again."""


class BadRunId(Invalid):
    """A run id is 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit."""


class RunNotFound(NotFound):
    """There is no such run. `rookery runs list` shows the ids."""


class RunIsAlive(Conflict):
    """The run is under way, in this process or another: wait for its end."""


class ScanFailed(FatalError):
    """The scan was no success. `rookery runs show RUN` tells what it did."""


class NothingToResume(Conflict):
    """The run has nothing left to do."""


class CannotResume(Conflict):
    """The run's engine cannot go on where it ended: scan again."""


class TargetNotCovered(NotFound):
    """The run did not look at this target. `rookery runs show RUN` lists those it did."""


class BadProjectName(Invalid):
    """A project's name is of up to 63 lower-case letters, digits, - and _, the first a letter or digit."""


class ProjectExists(Conflict):
    """There is a project of this name already."""


class ProjectNotFound(NotFound):
    """There is no such project. `rookery projects list` shows them."""


class DefaultProjectStays(NotAllowed):
    """The default project cannot be deleted; `rookery endpoints remove` empties it."""


class EndpointNotFound(NotFound):
    """The project has no such endpoint. `rookery endpoints list` shows them."""


class DocumentNotFound(NotFound):
    """There is no such document, or it cannot be read."""


class DocumentNotFetched(Unavailable):
    """The document cannot be fetched."""
