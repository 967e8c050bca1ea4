"""The moments of a run that hooks can hear of, what they are given, and what they may give back."""

from __future__ import annotations

import difflib
import enum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from rookery.mechanisms.hooks.errors import HookError
from rookery.mechanisms.hooks.items import Item

if TYPE_CHECKING:
    from collections.abc import Iterable


class Drop(enum.Enum):
    """The type of `DROP`; an enum, so that it survives pickling and type checkers can narrow it."""

    DROP = "drop"


DROP: Final[Literal[Drop.DROP]] = Drop.DROP
"""What a hook returns to say: forget this item, this raw value, this line."""


class Event(NamedTuple):
    """One event: the argument its hooks get beside the runner, and the type a hook may return instead of it.

    `returns` is None where results are ignored. Only what `may_drop` can be dropped.
    """

    name: str
    argument: str | None = None
    returns: type | None = None
    may_drop: bool = False


EVENTS: Final = {
    event.name: event
    for event in (
        Event("before_init"),
        Event("on_init"),
        Event("on_cmd", "argv", list),
        Event("on_start"),
        Event("on_line", "line", str, may_drop=True),
        Event("on_item_pre_convert", "raw", object, may_drop=True),
        Event("on_item", "item", Item, may_drop=True),
        Event("on_duplicate", "item"),
        Event("on_interval"),
        Event("on_error", "error"),
        Event("on_cmd_done"),
        Event("on_end"),
    )
}
"""Every event by name, in the order of a run."""


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean …?)` with the known name closest to a wrong one, or nothing when none is close."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def event_named(name: str, where: str) -> Event:
    """The event of that name; raises HookError that names `where` and the nearest right name."""
    if name not in EVENTS:
        raise HookError(f"{where}: no event is called {name}{nearest(name, EVENTS)}")
    return EVENTS[name]
