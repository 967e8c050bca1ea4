"""What a tool is: the contract between a scan and whatever carries it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from rookery.base.config import Scan as Limits
from rookery.base.config import Templates
from rookery.domains.scans.plan import ScanPlan
from rookery.mechanisms.texts import Texts

if TYPE_CHECKING:
    from rookery.domains.scans.tools.running import ScanRunner


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a tool can be run here: its `version`, or `reason`, one line that says what would help.

    `instead` names the tool that does the same work, for a scan to be run with where this one is not there.
    """

    version: str = ""
    reason: str = ""
    instead: str = ""

    @property
    def is_available(self) -> bool:
        """Whether there is nothing against it."""
        return not self.reason


class ToolJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool is to do.

    `plan` says what to scan, its endpoints checked against the scope by name; `scope` are the entries by
    which every address must be checked again when it is dialled. `limits` hold what the plan left open.
    `folder` is the run's own, for files that the tool needs or leaves; without it, a temporary one will do.
    `data_dir` has the installed templates; without it, there are those that ship with Rookery. `policy` says
    which signatures they need; `texts` are those of targets that are stored.
    """

    plan: ScanPlan
    limits: Limits
    scope: tuple[str, ...] = ()
    folder: Path | None = None
    data_dir: Path | None = None
    policy: Templates = Templates()
    texts: Texts | None = None


@runtime_checkable
class Tool(Protocol):
    """Something that can carry out a scan. It is made anew, without arguments, whenever it is asked for.

    A tool that looks at other things than URLs has an `endpoint(text)`, too: the canonical form of what a
    person may give it, or a BadTarget.
    """

    @property
    def name(self) -> str:
        """The word for it on the command line."""
        ...

    def available(self, limits: Limits, /) -> Availability:
        """Whether it can be run here; may start a program to find out, and is given a thread for it."""
        ...

    def runner(self, job: ToolJob, /, **options: Any) -> ScanRunner:
        """A runner for this job, not started; `options` are those of every Runner (hooks, spool, …)."""
        ...
