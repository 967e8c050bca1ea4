"""Tools: what a scan can be run with. Rookery's own are `embedded`, `nuclei` and `nmap`; others are plug-ins.

A tool is named by an entry point of the group `rookery.tools` (discovery.py). It says whether it can be run
here, and makes the runner of a job; what that runner emits is what the scan found. To write one:
docs/howto/write-a-tool.md.
"""

from __future__ import annotations

from rookery.domains.scans.tools.contract import Availability, Tool, ToolJob
from rookery.domains.scans.tools.discovery import GROUP, Tools, availability, discover, find
from rookery.domains.scans.tools.running import ScanRunner

__all__ = [
    "GROUP",
    "Availability",
    "ScanRunner",
    "Tool",
    "ToolJob",
    "Tools",
    "availability",
    "discover",
    "find",
]
