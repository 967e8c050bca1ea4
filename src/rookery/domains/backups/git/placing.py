"""From what the database knows to commits: of new versions, and of devices that have moved or are gone."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from rookery.domains.backups.git.positions import Missing, Placed, Position

TRAILER: Final = "Rookery-Version: "


class Change(NamedTuple):
    """A file as it is from then on (seconds since 1970), and one that goes with that; either may be none."""

    path: str
    former: str
    text: bytes
    author: str
    message: str
    seconds: int


class Deed(msgspec.Struct, frozen=True):
    """Who has done something to a device, and when, in seconds since 1970."""

    device_id: str
    actor: str
    seconds: int


class Places:
    """Where the file of each device is. Two may share a path: one that is gone, and the next of its name."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        self._positions = {each.device_id: each.position for each in placed}
        self._taken = Counter(each.path for each in self._positions.values())

    def of(self, device_id: str) -> Position:
        """Where a device's file is, which has been put somewhere."""
        return self._positions[device_id]

    def put(self, device_id: str, position: Position) -> str:
        """A device's file is there from now on; the path that is nobody's any more thereby, or nothing."""
        former = self._positions.get(device_id)
        self._positions[device_id] = position
        self._taken[position.path] += 1
        if former is None:
            return ""
        self._taken[former.path] -= 1
        return "" if self._taken[former.path] else former.path


def deed_of(actor: str, each: Placed) -> Deed:
    """What this actor does to a device, now."""
    return Deed(each.device_id, actor, int(time.time()))


def is_astray(each: Placed) -> bool:
    """Whether a file is not where it belongs."""
    return each.position.path != _path(each)


def added(places: Places, version: Missing) -> Change:
    """The commit of a version."""
    position = Position(version.number, path_of(version.site, version.device))
    former = places.put(version.device_id, position)
    seconds = version.taken_us // 1_000_000
    counted = (
        f"lines +{version.added} -{version.removed}"
        if version.number > 1
        else f"first version, lines {version.lines}"
    )
    said = f"{version.device}: {counted}\n\nVersion {version.number}, by {version.actor}."
    message = _message(said, version.device_id, position)
    return Change(position.path, former, version.text, version.actor, message, seconds)


def moved(places: Places, each: Placed, text: bytes, deed: Deed) -> Change:
    """The commit by which a file, of this text, gets where it belongs; or that of its removal."""
    position = each.position._replace(path=_path(each))
    former = places.put(each.device_id, position)
    was = each.position.path
    said = f"{each.device}: was {was}" if position.path else f"{was}: the device is deleted"
    message = _message(f"{said}\n\nBy {deed.actor}.", each.device_id, position)
    return Change(position.path, former, text, deed.actor, message, deed.seconds)


def _path(each: Placed) -> str:
    return "" if each.device is None else path_of(each.site or "", each.device)


def _message(said: str, device_id: str, position: Position) -> str:
    """At its end stands which version of which device is where now, for `said_by`."""
    return f"{said}\n\n{TRAILER}{device_id} {position.number} {position.path}".rstrip() + "\n"


def said_by(message: str) -> tuple[str, Position] | None:
    """A device and where its file is since this commit; None when it is somebody else's."""
    _, found, trailer = message.rpartition(TRAILER)
    device_id, number, path = (*trailer.rstrip("\n").split(" ", 2), "", "")[:3]
    if not (found and number.isdecimal()):
        return None
    return device_id, Position(int(number), path)


def path_of(site: str, device: str) -> str:
    """Where a device's configuration is: `SITE/NAME.cfg`, or `NAME.cfg` where there is no site.

    No two devices have one path, and no folder is called like a file.
    """
    folder = re.sub(r"(\.cfg)+$", "", re.sub(r"[^\w@+ .-]", "_", site).strip(". "))
    name = re.sub(r"[^\w@+ .-]", lambda match: f"%{ord(match[0]):02x}", device)
    return "/".join(part for part in (folder, f"{name}.cfg") if part)
