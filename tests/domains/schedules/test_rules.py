"""For which of its due times a schedule fires, when a worker comes to look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rookery.domains.schedules.errors import BadSchedule
from rookery.domains.schedules.rules import MOST_MADE_UP, Missed, Overlap, check_manners, check_name, decide
from rookery.domains.schedules.timing import Cron, Every, Once

DAILY, HOURLY = Cron("0 3 * * *"), Cron("0 * * * *")
DUE = datetime(2026, 5, 1, 3, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("policy", Missed)
def test_in_time_it_fires_once_whatever_it_does_about_missed_ones(policy: Missed) -> None:
    decision = decide(DAILY, policy, DUE, DUE + timedelta(seconds=1))
    assert decision == ((DUE,), DUE + DAY, "")


def test_what_was_missed_is_skipped() -> None:
    decision = decide(HOURLY, Missed.SKIP, DUE, DUE + 5.5 * HOUR)
    assert decision == ((), DUE + 6 * HOUR, "No worker ran when it was due.")


def test_or_made_up_for_once() -> None:
    assert decide(HOURLY, Missed.ONCE, DUE, DUE + 5.5 * HOUR) == ((DUE,), DUE + 6 * HOUR, "")


def test_or_each_of_it_is_made_up_for() -> None:
    decision = decide(HOURLY, Missed.ALL, DUE, DUE + 2.5 * HOUR)
    assert decision == ((DUE, DUE + HOUR, DUE + 2 * HOUR), DUE + 3 * HOUR, "")


def test_of_too_many_the_newest_are_made_up_for() -> None:
    now = DUE + 365 * DAY
    decision = decide(Cron("* * * * *"), Missed.ALL, DUE, now)
    assert len(decision.fires) == MOST_MADE_UP
    assert (decision.fires[-1], decision.next) == (now, now + timedelta(minutes=1))
    assert "newest 100" in decision.missed


def test_what_is_due_more_often_than_is_looked_fires_once_for_a_look() -> None:
    every = Every(10, DUE - timedelta(seconds=10))
    now = DUE + timedelta(seconds=45)
    assert decide(every, Missed.SKIP, DUE, now) == ((DUE,), DUE + timedelta(seconds=50), "")


@pytest.mark.parametrize("policy", Missed)
def test_a_date_comes_once(policy: Missed) -> None:
    assert decide(Once(DUE), policy, DUE, DUE) == ((DUE,), None, "")


def test_a_clock_that_went_back_makes_nothing_due_twice() -> None:
    decision = decide(HOURLY, Missed.ALL, DUE, DUE - 3 * HOUR)
    assert decision == ((DUE,), DUE + HOUR, "")


@pytest.mark.parametrize("name", ["", "A", "../etc", "a b", "-a", "x" * 64])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(BadSchedule, match="lower-case letters"):
        check_name(name)


def test_manners_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(BadSchedule, match="let the schedule overlap"):
        check_manners(0, Missed.ALL, Overlap.SKIP)
    with pytest.raises(BadSchedule, match="jitter goes from 0"):
        check_manners(-1, Missed.ONCE, Overlap.SKIP)
