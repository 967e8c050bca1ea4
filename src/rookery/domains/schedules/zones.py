"""Time zones by their IANA names."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from rookery.domains.schedules.errors import UnknownZone

UTC = "UTC"


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    """The zone of this name, at first from its file. Raises UnknownZone, which names the nearest."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of zones, or a path out of it, is none either
        raise UnknownZone(f"There is no time zone {name[:80]!r}; {_hint(name)}") from None


def _hint(name: str) -> str:
    found = nearest(name)
    return f"did you mean {found}?" if found else "give an IANA name, such as Europe/Berlin."


def nearest(name: str) -> str | None:
    """The zone that was probably meant: its case, its region or a letter may be wrong."""
    zones = sorted(available_timezones(), key=lambda each: (each.count("/"), each))
    known = {each.rpartition("/")[2].casefold(): each for each in reversed(zones)}
    known |= {each.casefold(): each for each in zones}
    wanted = name.strip().replace(" ", "_").casefold()
    for word in (wanted, wanted.rpartition("/")[2]):
        if close := get_close_matches(word, known, 1, 0.75):
            return known[close[0]]
    return None
