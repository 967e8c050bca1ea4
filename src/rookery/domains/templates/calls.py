"""The verbs of templates over the API."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.domains.templates.reading import Shown
from rookery.domains.templates.survey import Stats
from rookery.faces.client.calls import Arguments, Calls, at_home, get, post
from rookery.faces.client.errors import OnlyAtHome


def _selection(arguments: Arguments) -> dict[str, Any]:
    refuse_paths(arguments.get("templates"))
    selector = arguments.get("selector")
    chosen = {} if selector is None else msgspec.structs.asdict(selector)
    refuse_paths(chosen.pop("exclude_templates", ()))
    return chosen


def _stats(arguments: Arguments) -> Arguments:
    refuse_paths(arguments.get("paths"))
    return {}


def refuse_paths(paths: Any) -> None:
    """Raise OnlyAtHome for files of this machine, of which the other knows nothing."""
    if paths:
        raise OnlyAtHome("Templates are chosen by id, tag or severity from afar, not by their files.")


CALLS: Calls = {
    "list": post("/templates/selection", sent=_selection),
    "show": get("/templates/{name}", reads=Shown),
    "validate": at_home,
    "stats": get("/templates/stats", sent=_stats, reads=Stats),
    "sync": at_home,
    "roll_back": at_home,
}
