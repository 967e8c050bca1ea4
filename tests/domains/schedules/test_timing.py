"""When a schedule is due: cron lines, intervals and dates, also where clocks change and months end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.domains.schedules.errors import BadCronLine, BadSchedule, UnknownZone
from rookery.domains.schedules.timing import (
    Cron,
    Every,
    Once,
    Timing,
    duration,
    first,
    moment,
    newest,
    started,
)


def at(text: str, zone: str = "UTC") -> datetime:
    """The moment of a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def dues(timing: Timing, after: datetime, count: int) -> list[datetime]:
    return list(islice(timing.dues(after), count))


def shown(timing: Timing, after: str, count: int, zone: str = "UTC") -> list[str]:
    """The local times, with their offsets, of the due times after a local time."""
    found = dues(timing, at(after, zone), count)
    return [each.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M%z")[:-2] for each in found]


BERLIN = "Europe/Berlin"  # forward on 2026-03-29, 02:00 to 03:00; back on 2026-10-25, 03:00 to 02:00


def test_a_cron_line_is_due_in_the_local_time_of_its_zone() -> None:
    line = Cron("0 3 * * *", BERLIN)
    assert dues(line, at("2026-01-10T12:00"), 1) == [at("2026-01-11T02:00")]
    assert dues(line, at("2026-07-10T12:00"), 1) == [at("2026-07-11T01:00")]


def test_a_due_time_is_after_the_moment_and_never_at_it() -> None:
    line = Cron("0 3 * * *")
    assert dues(line, at("2026-01-10T03:00"), 1) == [at("2026-01-11T03:00")]
    assert dues(line, at("2026-01-10T02:59:59.999999"), 1) == [at("2026-01-10T03:00")]


def test_a_time_that_does_not_exist_is_due_at_the_first_one_that_does() -> None:
    line = Cron("30 2 * * *", BERLIN)
    assert shown(line, "2026-03-28T00:00", 3, BERLIN) == [
        "03-28 02:30+01",
        "03-29 03:00+02",
        "03-30 02:30+02",
    ]


def test_times_that_fall_into_one_are_due_once() -> None:
    line = Cron("0,30 2,3 * * *", BERLIN)
    assert shown(line, "2026-03-29T00:00", 3, BERLIN) == [
        "03-29 03:00+02",
        "03-29 03:30+02",
        "03-30 02:00+02",
    ]


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    line = Cron("30 2 * * *", BERLIN)
    assert shown(line, "2026-10-24T12:00", 2, BERLIN) == ["10-25 02:30+02", "10-26 02:30+01"]


def test_seen_from_the_second_of_two_equal_hours_it_is_not_due_in_the_first() -> None:
    """The due time at 02:30 is behind, although the clock shows 02:15 again."""
    second = datetime(2026, 10, 25, 2, 15, fold=1, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    assert dues(Cron("30 2 * * *", BERLIN), second, 1) == [at("2026-10-26T02:30", BERLIN)]
    assert dues(Cron("*/30 * * * *", BERLIN), second, 1) == [at("2026-10-25T01:30")]


def test_what_is_due_by_the_hour_goes_on_in_both_of_two_equal_hours_and_not_in_none() -> None:
    hourly = Cron("0 * * * *", BERLIN)
    back = shown(hourly, "2026-10-25T01:30", 4, BERLIN)
    assert back == ["10-25 02:00+02", "10-25 02:00+01", "10-25 03:00+01", "10-25 04:00+01"]
    forward = shown(hourly, "2026-03-29T00:30", 3, BERLIN)
    assert forward == ["03-29 01:00+01", "03-29 03:00+02", "03-29 04:00+02"]


def test_clocks_may_change_at_midnight() -> None:
    """Those of Havana go from 00:00 to 01:00."""
    line = Cron("0 0 * * *", "America/Havana")
    found = shown(line, "2026-03-07T12:00", 2, "America/Havana")
    assert found == ["03-08 01:00-04", "03-09 00:00-04"]


def test_clocks_may_change_by_half_an_hour() -> None:
    """Those of Lord Howe Island go from 02:00 to 01:30."""
    line = Cron("45 1 * * *", "Australia/Lord_Howe")
    assert dues(line, at("2026-04-04T12:00"), 2) == [at("2026-04-04T14:45"), at("2026-04-05T15:15")]


def test_a_country_may_change_its_zone() -> None:
    """Samoa crossed the date line, and left out a day; Turkey stayed in summer for ever."""
    samoa = shown(Cron("0 3 * * *", "Pacific/Apia"), "2011-12-29T00:00", 3, "Pacific/Apia")
    assert samoa == ["12-29 03:00-10", "12-31 00:00+14", "12-31 03:00+14"]
    turkey = shown(Cron("0 3 * * *", "Europe/Istanbul"), "2016-10-30T00:00", 1, "Europe/Istanbul")
    assert turkey == ["10-30 03:00+03"]


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("0 0 29 2 *", "2026-01-01", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 0 29 2 *", "2096-03-01", ["2104-02-29"]),  # 2100 is no leap year
        ("0 0 31 * *", "2026-01-31", ["2026-03-31", "2026-05-31", "2026-07-31"]),
        ("0 0 L * *", "2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30"]),
        ("0 0 LW * *", "2026-01-31", ["2026-02-27", "2026-03-31", "2026-04-30"]),
        ("0 0 * * 5#2", "2026-01-01", ["2026-01-09", "2026-02-13"]),
        ("0 0 * * 5L", "2026-01-01", ["2026-01-30", "2026-02-27"]),
        ("0 0 13 * FRI", "2026-02-08", ["2026-02-13", "2026-02-20"]),  # either of the two, as cron has it
        ("0 0 31 12 *", "2026-12-31", ["2027-12-31"]),
        ("@weekly", "2026-01-01", ["2026-01-04"]),
        (" @Monthly ", "2026-01-01", ["2026-02-01"]),
    ],
)
def test_days(line: str, after: str, expected: list[str]) -> None:
    found = dues(Cron(line), at(after), len(expected))
    assert [str(each.date()) for each in found] == expected


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("60 3 * * *", "'60' is no minute; that is 0 to 59"),
        ("0 24 * * *", "'24' is no hour; that is 0 to 23"),
        ("0 3 32 * *", "'32' is no day-of-month; that is 1 to 31"),
        ("0 3 30 2 *", "'30' is no day-of-month; that is 1 to 31 .that come in these months"),
        ("0 3 * 13 *", "'13' is no month; that is 1 to 12, or JAN to DEC"),
        ("0 3 * * mo", "'mo' is no day-of-week; that is 0 to 7"),
        ("*/0 3 * * *", "'.*/0' is no minute"),
        ("5-1 3 * * *", "'5-1' is no minute"),
        ("0 3 * *", "has five fields: minute, hour, day of the month, month, day of the week"),
        ("0 0 3 * * *", "has five fields.* For seconds there are intervals"),
        ("@reboot", "has five fields"),
        ("", "has five fields"),
        ("0,1," * 100 + "2 3 * * *", "has five fields"),
    ],
)
def test_a_bad_cron_line_says_which_field_and_what_could_stand_there(line: str, complaint: str) -> None:
    with pytest.raises(BadCronLine, match=complaint):
        first(Cron(line), at("2026-01-01"))


@given(st.text(alphabet="0123456789*/-,#LWJANMON @²é\x00", max_size=30), st.sampled_from(["UTC", BERLIN]))
def test_any_text_is_a_cron_line_or_is_refused(line: str, zone: str) -> None:
    start = at("2026-03-28T12:00")
    try:
        due = first(Cron(line, zone), start)
    except BadCronLine:
        return
    assert due is None or due > start


def test_an_interval_counts_from_its_start_whatever_clocks_do() -> None:
    every = Every(6 * 3600, at("2026-03-28T18:00"), BERLIN)
    assert shown(every, "2026-03-28T20:00", 3, BERLIN) == [
        "03-29 01:00+01",
        "03-29 08:00+02",
        "03-29 14:00+02",
    ]
    assert dues(every, at("2020-01-01"), 1) == [at("2026-03-29T00:00")]
    assert dues(every, at("2026-03-29T00:00"), 1) == [at("2026-03-29T06:00")]


def test_a_date_is_due_once() -> None:
    once = Once(at("2026-12-01T03:00"))
    assert dues(once, at("2026-11-01"), 5) == [at("2026-12-01T03:00")]
    assert first(once, at("2026-12-01T03:00")) is None


@pytest.mark.parametrize(
    ("timing", "complaint"),
    [
        (Once(at("2020-01-01")), "never be due: at 2020-01-01 00:00 UTC"),
        (Once(datetime(2030, 1, 1)), "needs its time zone"),  # noqa: DTZ001
        (Every(0), "from a second to ten years, not 0"),
        (Every(-5), "from a second to ten years"),
        (Every(10**12), "from a second to ten years"),
        (Every(60, zone="Nowhere"), "no time zone 'Nowhere'"),
        (Cron("0 0 30 2 *"), "no day-of-month"),
    ],
)
def test_what_would_never_be_due_is_refused(timing: Timing, complaint: str) -> None:
    with pytest.raises(BadSchedule, match=complaint):
        started(timing, at("2026-01-01"))


def test_an_interval_starts_when_it_is_stored_unless_it_says_when() -> None:
    now, start = at("2026-01-01"), at("2025-01-01")
    minute = timedelta(minutes=1)
    assert started(Every(60), now) == (Every(60, now), now + minute)
    assert started(Every(60, start), now) == (Every(60, start), now + minute)


LINES = ("* * * * *", "*/7 * * * *", "30 2 * * *", "0 */6 * * *", "0 0 L * *", "15 1-3 * * 0")
TIMINGS = st.one_of(
    st.builds(Cron, st.sampled_from(LINES), st.sampled_from(["UTC", BERLIN, "America/Havana"])),
    st.builds(Every, st.integers(60, 10**6), st.just(at("2026-01-01T00:00:07"))),
    st.builds(Once, st.just(at("2026-10-25T01:30"))),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(TIMINGS, MOMENTS, st.integers(0, 20_000), st.integers(1, 50))
def test_the_newest_due_times_are_the_last_of_all(
    timing: Timing, after: datetime, minutes: int, most: int
) -> None:
    upto = after + timedelta(minutes=minutes)
    walked = []
    for due in timing.dues(after):
        if due > upto:
            break
        walked.append(due)
    assert newest(timing, after, upto, most) == walked[-most:]
    assert walked == sorted(set(walked))


def test_the_newest_of_a_year_of_minutes_take_no_walk_through_it() -> None:
    end = at("2026-12-31")
    found = newest(Cron("* * * * *", BERLIN), end - timedelta(days=365), end, 100)
    assert (len(found), found[-1]) == (100, end)


def test_a_local_time_is_a_moment_in_its_zone() -> None:
    assert moment(datetime(2026, 7, 1, 3), BERLIN) == at("2026-07-01T01:00")  # noqa: DTZ001
    assert moment(datetime(2026, 10, 25, 2, 30), BERLIN) == at("2026-10-25T00:30")  # noqa: DTZ001
    assert moment(at("2026-07-01T03:00"), BERLIN) == at("2026-07-01T03:00")
    with pytest.raises(BadSchedule, match=r"Europe/Berlin go forward, and leave 02:30 out"):
        moment(datetime(2026, 3, 29, 2, 30), BERLIN)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Berlin", "did you mean Europe/Berlin"),
        ("europe/berlin", "did you mean Europe/Berlin"),
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("Europe/New York", "did you mean America/New_York"),
        ("utc", "did you mean UTC"),
        ("Xanadu", "give an IANA name"),
        ("../../etc/passwd", "give an IANA name"),
        ("Europe", "did you mean|give an IANA name"),
        ("", "give an IANA name"),
        ("a\x00b", "give an IANA name"),
    ],
)
def test_an_unknown_zone_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UnknownZone, match=hint):
        first(Cron("0 3 * * *", name), at("2026-01-01"))


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Cron("0 3 * * *", BERLIN), "0 3 * * * Europe/Berlin"),
        (Every(21_600), "every 6h"),
        (Once(at("2026-12-01T02:00"), BERLIN), "at 2026-12-01 03:00 CET"),
    ],
)
def test_a_timing_in_words(timing: Timing, words: str) -> None:
    assert str(timing) == words


def test_a_duration_in_words() -> None:
    assert [duration(each) for each in (0, 45, 90, 5400, 86_400, 93_784)] == [
        *("0s", "45s", "1m30s", "1h30m", "1d", "1d2h3m4s")
    ]
