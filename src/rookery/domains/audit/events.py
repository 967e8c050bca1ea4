"""Event types: the vocabulary of the log. An entry names one of them, so that a misspelt one is refused.

A type is `noun.verb`, the verb in the past: `scan.started`. A domain's event class gives its own:
`ScanStarted` is `scan.started`, `FindingStatusChanged` is `finding_status.changed`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from rookery.base.errors import Invalid
from rookery.domains.audit.errors import UnknownEventType

PRUNED: Final = "audit.pruned"
NOTED: Final = "note.added"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_]{0,39}")
_WORDS = re.compile(r"[A-Z][a-z0-9]*")


@dataclass(frozen=True)
class AuditVerificationFailed:
    """The stored log is not what was written: so many problems, of which this is the first."""

    log: str
    problems: int
    first: str


EVENTS = (AuditVerificationFailed,)


class EventTypes:
    """The event types one log accepts, each with a sentence about it."""

    def __init__(self) -> None:
        self._descriptions = {
            PRUNED: "The oldest entries were removed, and the rest stays verifiable.",
            NOTED: "Somebody wrote down what they did, or saw.",
        }

    def register(self, name: str, description: str) -> None:
        """Accept `name` from now on. Raises Invalid unless it looks like `noun.verb`."""
        if not _NAME.fullmatch(name):
            raise Invalid(
                f"{name!r} is no event type: write it as noun.verb, in lower case, like scan.started"
            )
        self._descriptions[name] = description

    def check(self, name: str) -> None:
        """Raise UnknownEventType, with the nearest registered name, unless `name` is registered."""
        if name not in self._descriptions:
            nearest = get_close_matches(str(name)[:100], self._descriptions, n=1, cutoff=0.0)
            raise UnknownEventType(f"{str(name)[:100]!r} is no event type; the nearest one is {nearest[0]!r}")

    def names(self) -> Collection[str]:
        """All names, now and later: quicker to ask than this object."""
        return self._descriptions.keys()

    def __contains__(self, name: str) -> bool:
        return name in self._descriptions

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Every name with its description, by name."""
        return iter(sorted(self._descriptions.items()))


def type_of(event_class: type) -> str:
    """The event type of a domain's event class: all words but the last are the noun, the last is the verb."""
    *noun, verb = _WORDS.findall(event_class.__name__)
    return f"{'_'.join(noun).lower()}.{verb.lower()}"
