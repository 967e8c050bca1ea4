"""The verbs of backups over the API. Devices are talked to there, by tasks; the verbs wait for these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from rookery.base.structs import ready
from rookery.domains.backups.diffing import Diff, Hunk, Line
from rookery.domains.backups.reading import Compared, Hit
from rookery.domains.backups.service import Captured, Report
from rookery.domains.backups.store import VersionInfo
from rookery.domains.devices.document import DeviceInfo
from rookery.faces.client.calls import Arguments, Calls, Steps, at_home, get, pages, post, tuples
from rookery.faces.client.errors import OnlyAtHome
from rookery.faces.client.waiting import awaits, children, submits
from rookery.mechanisms.tasks.looking import TaskInfo

DEVICE = "/devices/{device}"
MOST_HITS = 10_000


class _Hunk(msgspec.Struct):
    section: str
    old_start: int
    old_length: int
    new_start: int
    new_length: int
    lines: tuple[_Line, ...]


class _Line(msgspec.Struct):
    kind: Literal["same", "removed", "added"]
    text: str
    old_number: int | None
    new_number: int | None
    spans: tuple[tuple[int, int], ...]


class _Compared(msgspec.Struct):
    old: VersionInfo
    new: VersionInfo
    added: int
    removed: int
    hidden: int
    hunks: tuple[_Hunk, ...]


class ToldDiff(Diff):
    """A difference as another machine has found it: its hunks, not the texts."""

    def __init__(self, told: _Compared) -> None:
        self.added, self.removed, self.hidden, self._told = told.added, told.removed, told.hidden, told.hunks

    @property
    def is_empty(self) -> bool:
        """Whether nothing but noise differs."""
        return not self._told

    def hunks(self) -> Iterator[Hunk]:
        """The changes, from the top."""
        for each in self._told:
            lines = tuple(Line(*msgspec.structs.astuple(line)) for line in each.lines)
            yield Hunk(each.section, each.old_start, each.old_length, each.new_start, each.new_length, lines)


def _compared(told: _Compared) -> Compared:
    return Compared(told.old, told.new, ToldDiff(told))


def _which(arguments: Arguments) -> str:
    """The path to a version: by its number, or else the one of a moment."""
    if arguments.get("number") is not None:
        return f"{DEVICE}/versions/{{number}}"
    arguments.pop("number", None)
    return f"{DEVICE}/version"


def _get(arguments: Arguments, answers: Any) -> Steps:
    return (yield from get(_which(arguments))(arguments, answers))


def _text(arguments: Arguments, answers: Any) -> Steps:
    path = f"{_which(arguments)}/text"
    return (yield from get(path)(arguments, answers))


def _grep(arguments: Arguments, answers: Any) -> Steps:
    """`most` is the limit of what is listed."""
    search = tuples("/configurations/search", Hit)
    return (yield from search(arguments | {"limit": arguments.pop("most", MOST_HITS)}, answers))


def _many(arguments: Arguments) -> Arguments:
    """Which devices; the rest of what a verb takes at home cannot be said from afar."""
    chosen = {"filter": arguments.pop("filter_", ""), "devices": list(arguments.pop("names", ()))}
    if any(arguments.values()):
        raise OnlyAtHome(f"From afar devices are chosen by filter or name, without {', '.join(arguments)}.")
    return chosen


def _each(parent: TaskInfo) -> Steps:
    """What became of each device, in the order of their names."""
    found: list[Captured] = []
    for task in (yield from children(parent.id)):
        if task.failure is None:
            found.append(msgspec.convert(task.result, ready(Captured)))
        else:
            found.append(_failed(task, (yield from _named(task))))
    return sorted(found, key=lambda each: each.device.lower())


def _named(task: TaskInfo) -> Steps:
    """The name of the device that a task was about."""
    return (
        yield from get("/devices/{device}", reads=DeviceInfo)({"device": task.payload["device"]}, None)
    ).name


def _failed(task: TaskInfo, device: str) -> Captured:
    assert task.failure is not None  # noqa: S101
    return Captured(device=device, status="failed", code=task.failure.code, reason=task.failure.message)


def _report(parent: TaskInfo) -> Steps:
    """Of those that were tried: what is skipped, the parent's task counts."""
    return Report(tuple((yield from _each(parent))))


CALLS: Calls = {
    "capture": awaits(submits(post, f"{DEVICE}/backups")),
    "run": awaits(submits(post, "/backups", sent=_many), _report),
    "reach": awaits(submits(post, "/reachability", sent=_many), _each),
    "reach_one": awaits(submits(post, f"{DEVICE}/reachability")),
    "peek": at_home,
    "learn": at_home,
    "try_platform": at_home,
    "versions": pages(f"{DEVICE}/versions"),
    "get": _get,
    "text": _text,
    "reveal": post(f"{DEVICE}/version/reveal", reads=dict[str, str], then=lambda told: told["text"]),
    "compare": get(f"{DEVICE}/diff", reads=_Compared, then=_compared),
    "grep": _grep,
    "reseal": at_home,
    "rotate_out": at_home,
    "import_history": at_home,
    "mirror": at_home,
}
