"""The tool `nmap`: which ports are open, and what is behind them.

targets (what it may be given) · runner (its life) · reading (its XML, as items).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from rookery.domains.scans.tools.contract import Availability, ToolJob
from rookery.domains.scans.tools.nmap.targets import parse_host
from rookery.domains.scans.tools.programs import PASSED_ON, located, version_of

if TYPE_CHECKING:
    from rookery.base.config import Scan as Limits
    from rookery.domains.scans.tools.nmap.runner import NmapRunner

VERSION = re.compile(r"^Nmap version (\d+\.\d+)", re.MULTILINE)


class Nmap:
    """The program nmap, where it is installed: TCP ports, services, certificates."""

    name = "nmap"
    endpoint = staticmethod(parse_host)

    def available(self, limits: Limits, /) -> Availability:
        """Starts the program to ask for its version."""
        path, reason = located("nmap", limits.nmap_path)
        if reason:
            return Availability(reason=reason)
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        version, reason = version_of([path, "--version"], VERSION, kept)
        return Availability(version=version, reason=reason)

    def runner(self, job: ToolJob, /, **options: Any) -> NmapRunner:
        """The program, given nothing but addresses that are in the scope."""
        from rookery.domains.scans.tools.nmap.runner import NmapRunner

        path, _ = located("nmap", job.limits.nmap_path)
        return NmapRunner(path or "nmap", job, **options)
