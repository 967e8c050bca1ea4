"""The verbs of the audit log over the API."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.domains.audit.document import Entry, entry_of
from rookery.domains.audit.verdict import Verification
from rookery.faces.client.calls import Arguments, Calls, Steps, at_home, counted, get, pages, post
from rookery.faces.client.errors import OnlyAtHome

ENTRIES = "/audit"


class Verdict(msgspec.Struct):
    """What is answered of a verification."""

    found: Verification


def _newest(_arguments: Arguments, _answers: Any) -> Steps:
    newest = yield from pages(ENTRIES, reads=Entry)({"limit": 1}, None)
    return newest[0].position if newest else 0


def _wanted(arguments: Arguments) -> Arguments:
    """What the API is asked for is always fresh."""
    return {name: value for name, value in arguments.items() if name != "fresh"}


def _verify(arguments: Arguments, _answers: Any) -> Steps:
    if arguments.get("keys") is not None:
        raise OnlyAtHome(
            "It is verified there, with the keys that are trusted there; export the log to use yours."
        )
    return (yield from post("/audit/verify", reads=Verdict, then=lambda told: told.found)({}, None))


CALLS: Calls = {
    "record": at_home,
    "following": at_home,
    "newest": _newest,
    "flush": at_home,
    "list": pages(ENTRIES, sent=_wanted, reads=Entry, then=entry_of),
    "count": counted(ENTRIES, sent=_wanted),
    "get": get("/audit/{entry_id}", sent=_wanted, reads=Entry, then=entry_of),
    "verify": _verify,
    "export": at_home,
    "prune": at_home,
}
