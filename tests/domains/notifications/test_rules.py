"""What is told, to whom, and when: without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rookery.domains.notifications.errors import RuleNotValid
from rookery.domains.notifications.occurrences import occurrences
from rookery.domains.notifications.rules import (
    Occurrence,
    Quiet,
    Terms,
    due_us,
    merged,
    narrowed,
    quiet_until,
    valid,
)
from rookery.domains.scans.events import FindingsAppeared
from rookery.mechanisms.tasks.events import TaskFailed

SECOND = 1_000_000
FOUND = FindingsAppeared(
    "run-1", "shop", False, {"low": 30, "critical": 1},
    ({"id": "1", "severity": "critical", "name": "Open door", "target": "http://a"},
     {"id": "2", "severity": "low", "name": "Loose", "target": "http://b"}),
)  # fmt: skip


def terms(**changes: Any) -> Terms:
    return Terms(**{"kinds": ("backup.failed",), "channels": ("c",), **changes})


def occurrence(**changes: Any) -> Occurrence:
    wanted = {"kind": "backup.failed", "subject": "core-1", "severity": "medium", "title": "t", "text": ""}
    return Occurrence(**{**wanted, "at_us": 0, **changes})


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"kinds": ("task.failed",)}, False),
        ({"severity": "medium"}, True),
        ({"severity": "high"}, False),
        ({"subjects": ("edge-*", "core-*")}, True),
        ({"subjects": ("edge-*",)}, False),
    ],
)
def test_a_rule_tells_what_is_of_its_kinds_bad_enough_and_of_its_subjects(
    changes: dict[str, Any], is_told: bool
) -> None:
    assert terms(**changes).wants(occurrence()) is is_told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kinds": ()}, "length >= 1"),
        ({"kinds": ("backup.exploded",)}, "is not told; there are: backup.failed"),
        ({"severity": "grave"}, "grave"),
        ({"digest": -1}, ">= 0"),
        ({"quiet": Quiet(start="25:00", end="07:00")}, "Quiet hours go from"),
        ({"quiet": Quiet(start="07:00", end="07:00")}, "Quiet hours go from"),
        ({"quiet": Quiet(start="22:00", end="07:00", zone="Europe/Berlinn")}, "did you mean Europe/Berlin"),
    ],
)
def test_what_is_no_rule_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleNotValid, match=said):
        valid(terms(**changes))


@pytest.mark.parametrize(
    ("start", "end", "at", "until"),
    [
        ("22:00", "07:00", "23:30", "2026-06-02 05:00"),  # 01:30 there: seven o'clock is five, UTC
        ("22:00", "07:00", "12:00", None),
        ("12:00", "14:00", "10:30", "2026-06-01 12:00"),
        ("12:00", "14:00", "12:00", None),
    ],
)
def test_quiet_hours_are_by_the_clocks_of_their_zone(
    start: str, end: str, at: str, until: str | None
) -> None:
    quiet = Quiet(start=start, end=end, zone="Europe/Berlin")
    ends = quiet_until(quiet, datetime.fromisoformat(f"2026-06-01T{at}:00+00:00"))
    assert (None if ends is None else f"{ends.astimezone(UTC):%Y-%m-%d %H:%M}") == until


def test_something_is_due_at_once_after_the_window_of_the_last_or_with_the_digest() -> None:
    now = 1_000 * SECOND
    assert due_us(terms(), now, None) == now
    assert due_us(terms(collapse=60), now, now - 50 * SECOND) == now + 10 * SECOND
    assert due_us(terms(collapse=60), now, now - 70 * SECOND) == now
    assert due_us(terms(digest=300), now, None) == 1_200 * SECOND
    assert due_us(terms(digest=300, collapse=600), now, now - 100 * SECOND) == 1_500 * SECOND


def test_of_a_run_only_what_is_bad_enough_is_told() -> None:
    (told,) = occurrences(FOUND)
    assert (told.kind, told.severity) == ("finding.new", "critical")
    assert told.title == "31 new in shop: 1 critical, 30 low"
    assert told.text.splitlines()[-1] == "and 29 more"
    high = narrowed(told, "high")
    assert (high.title, high.text) == ("1 new in shop: 1 critical", "critical Open door on http://a")


def test_what_becomes_one_loses_nothing_of_the_first() -> None:
    first = occurrence(kind="backup.changed", details={"device_id": "d", "old_version": 3, "version": 4})
    second = occurrence(kind="backup.changed", details={"device_id": "d", "old_version": 4, "version": 5})
    assert merged(first, second).details == {"device_id": "d", "old_version": 3, "version": 5}
    (found,) = occurrences(FOUND)
    both = merged(found, found)
    assert both.details["counts"] == {"low": 60, "critical": 2}
    assert len(both.details["findings"]) == 4


def test_a_delivery_that_fails_is_no_news() -> None:
    assert occurrences(TaskFailed("t", "notifications.deliver", "ChannelFailed", "no")) == []
    assert [each.kind for each in occurrences(TaskFailed("t", "notes", "OSError", "no"))] == ["task.failed"]
