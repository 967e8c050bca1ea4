"""The vocabulary of the log."""

from __future__ import annotations

import pytest

from rookery.base.errors import Invalid
from rookery.domains.audit.errors import UnknownEventType
from rookery.domains.audit.events import EventTypes, type_of


class ScanStarted: ...


class FindingStatusChanged: ...


@pytest.mark.parametrize(
    ("event_class", "name"),
    [(ScanStarted, "scan.started"), (FindingStatusChanged, "finding_status.changed")],
)
def test_an_event_class_gives_its_type(event_class: type, name: str) -> None:
    assert type_of(event_class) == name


def test_an_unknown_type_is_named_with_the_nearest_one() -> None:
    types = EventTypes()
    types.register("scan.started", "A run has begun.")
    with pytest.raises(UnknownEventType, match=r"'scan\.startd'.*'scan\.started'"):
        types.check("scan.startd")


@pytest.mark.parametrize("name", ["scan", "Scan.started", "scan.started\n", "a.b.c", ""])
def test_a_type_that_is_no_noun_and_verb_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=r"noun\.verb"):
        EventTypes().register(name, "")
