"""Which tools there are: Rookery's own, and the entry points `rookery.tools` of what else is installed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from rookery.base.config import Scan as Limits
from rookery.base.redact import redact_text
from rookery.domains.scans.errors import BrokenTool, UnknownTool
from rookery.domains.scans.tools.contract import Availability, Tool

GROUP = "rookery.tools"
HOME = "rookery.domains.scans.tools"
# In pyproject.toml, too. Here because an editable installation may be older than the code, and because no
# other package may take these names.
OWN = tuple(
    EntryPoint(name, f"{HOME}.{value}", GROUP)
    for name, value in (("embedded", "embedded:Embedded"), ("nuclei", "nuclei:Nuclei"), ("nmap", "nmap:Nmap"))
)


class Tools(NamedTuple):
    """The tools that could be loaded, by name, and one line for each plug-in that could not."""

    by_name: Mapping[str, Tool]
    warnings: tuple[str, ...]


def discover() -> Tools:
    """Every tool there is; a plug-in that is broken, or takes a name that is taken, costs a warning."""
    tools: dict[str, Tool] = {}
    warnings: list[str] = []
    for entry in _entries():
        if entry.name in tools:
            warnings.append(f"tool {entry.name!r} of {_origin(entry)} is left out: another has this name")
            continue
        try:
            tools[entry.name] = _loaded(entry)
        except BrokenTool as error:
            warnings.append(str(error))
    return Tools(tools, tuple(warnings))


def find(name: str) -> Tool:
    """The tool of this name; no other plug-in is loaded. Raises UnknownTool, BrokenTool."""
    entries = _entries()
    for entry in entries:
        if entry.name == name:
            return _loaded(entry)
    raise UnknownTool(_unknown(name, dict.fromkeys(entry.name for entry in entries)))


def availability(tool: Tool, limits: Limits) -> Availability:
    """What the tool says of itself; one that cannot even say that is not available."""
    try:
        return tool.available(limits)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        reason = " ".join(redact_text(f"{type(error).__name__}: {error}").split())[:200]
        return Availability(reason=f"it cannot say whether it can be run: {reason}")


def _entries() -> list[EntryPoint]:
    """Our own first, then the others', by name."""
    ours = {(entry.name, entry.value) for entry in OWN}
    others = (entry for entry in entry_points(group=GROUP) if (entry.name, entry.value) not in ours)
    return [*OWN, *sorted(others, key=lambda entry: (entry.name, entry.value))]


def _loaded(entry: EntryPoint) -> Tool:
    try:
        tool = entry.load()()
    except (Exception, SystemExit) as error:  # a plug-in may do anything; its user is told which one it is
        raise BrokenTool(_broken(entry, f"{type(error).__name__}: {error}")) from error
    if not isinstance(tool, Tool):
        raise BrokenTool(_broken(entry, "it has no name, available() and runner()"))
    return tool


def _broken(entry: EntryPoint, reason: str) -> str:
    reason = " ".join(redact_text(reason).split())[:200]
    return f"The tool {entry.name!r} of {_origin(entry)} cannot be loaded: {reason}"


def _origin(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module


def _unknown(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no tool {name!r}.{hint} There are: {', '.join(known)}."
