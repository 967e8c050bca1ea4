"""Stored microseconds and aware moments are the same time, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from rookery.base import clock


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 -- made aware below
def test_a_moment_survives_storage_to_the_microsecond(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert clock.from_us(clock.to_us(moment)) == moment


def test_the_time_zone_changes_nothing() -> None:
    moment = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert clock.to_us(moment) == clock.to_us(moment.astimezone(UTC))


def test_the_present_is_aware_and_the_same_in_both_forms() -> None:
    before = clock.now_us()
    moment = clock.now()
    assert moment.tzinfo is UTC
    assert before <= clock.to_us(moment) <= clock.now_us()
