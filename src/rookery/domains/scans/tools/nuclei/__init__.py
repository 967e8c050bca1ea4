"""The tool `nuclei`: templates, run by nuclei itself.

choosing (the templates it is given) · working (what is left of them to do) · parts (for how many targets at
a time) · command (its arguments and environment) · manners (how it is kept to the limits) · surroundings
(its folder, its gate, this machine) · runner (its life, its results) · stats (what it says meanwhile) ·
covering (what it has done) · endings (what its exit means).
"""

from __future__ import annotations

import os
import re
import tempfile
from typing import TYPE_CHECKING, Any

from rookery.domains.scans.endpoints import parse_endpoint
from rookery.domains.scans.errors import BadTarget
from rookery.domains.scans.tools.contract import Availability, ToolJob
from rookery.domains.scans.tools.nuclei.command import environment
from rookery.domains.scans.tools.programs import located, version_of

if TYPE_CHECKING:
    from rookery.base.config import Scan as Limits
    from rookery.domains.scans.tools.nuclei.runner import NucleiRunner

VERSION = re.compile(r"Nuclei Engine Version: v?(\d+\.\d+\.\d+)")
OLDEST = (3, 0, 0)


class Nuclei:
    """The program nuclei, where it is installed: no code, no browser, no callbacks to third parties."""

    name = "nuclei"

    def __init__(self) -> None:
        self._version = ""

    def endpoint(self, text: str) -> str:
        """A URL, or a host as one. Raises BadTarget, also for files: of those it looks at none here."""
        parsed = parse_endpoint(text)
        if parsed.kind in {"path", "device"}:
            raise BadTarget(f"{text!r} is that of files, which only the embedded engine looks at.")
        return parsed.target

    def available(self, limits: Limits, /) -> Availability:
        """Starts the program to ask for its version."""
        path, reason = located("nuclei", limits.nuclei_path)
        if reason:
            return Availability(reason=reason, instead="embedded")
        with tempfile.TemporaryDirectory(prefix="rookery-nuclei-") as home:
            version, reason = version_of([path, "-version", "-duc"], VERSION, environment(home, os.environ))
        if version and tuple(map(int, version.split("."))) < OLDEST:
            reason = f"nuclei {version} is too old: version 3 or later is needed"
        self._version = version
        return Availability(version=version, reason=reason, instead="embedded" if reason else "")

    def runner(self, job: ToolJob, /, **options: Any) -> NucleiRunner:
        """The program, its results read as they come, every address checked at the gate it dials through."""
        from rookery.domains.scans.tools.nuclei.runner import NucleiRunner

        path, _ = located("nuclei", job.limits.nuclei_path)
        return NucleiRunner(path or "nuclei", job, version=self._version, **options)
