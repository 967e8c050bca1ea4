"""nuclei and the manners of a scan: what it is told, what the gate sees to, what is said that neither can."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from rookery.base.config import Scan as Limits
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.tools import ToolJob, find
from rookery.domains.scans.tools.nuclei.manners import flags, remarks
from rookery.mechanisms.hooks import Warning_
from tests.domains.scans.tools import programs
from tests.domains.scans.tools.listeners import OK, Listener


def told(targets: int = 1, **limits: Any) -> dict[str, str]:
    """The flags that nuclei is given for limits, by name."""
    words = flags(Limits(**limits), targets)
    return dict(zip((word[1:] for word in words[::2]), words[1::2], strict=True))


@pytest.mark.parametrize(
    ("wanted", "many", "seconds"),
    [(150.0, "150", "1.000000s"), (0.2, "1", "5.000000s"), (1.5, "1", "0.666667s"), (2.5, "2", "0.800000s")],
)
def test_any_rate_is_so_many_requests_in_so_many_seconds(wanted: float, many: str, seconds: str) -> None:
    given = told(rate_limit=wanted)
    assert (given["rate-limit"], given["rate-limit-duration"]) == (many, seconds)


def test_no_limit_is_none_and_a_slow_rate_does_not_become_it() -> None:
    assert told(rate_limit=0.0)["rate-limit"] == "0"
    assert "rate-limit-duration" not in told(rate_limit=0.0)
    assert told(rate_limit=0.01)["rate-limit"] == "1"


@pytest.mark.parametrize(
    ("targets", "all_", "host", "given"),
    [(1, 150.0, 20.0, "20"), (4, 150.0, 20.0, "80"), (50, 150.0, 20.0, "150"), (2, 0.0, 20.0, "40")],
)
def test_all_hosts_together_get_no_more_than_each_may(
    targets: int, all_: float, host: float, given: str
) -> None:
    assert told(targets, rate_limit=all_, host_rate_limit=host)["rate-limit"] == given


@pytest.mark.parametrize(
    ("targets", "concurrency", "hosts", "templates"),
    [(1, 25, "1", "25"), (3, 25, "3", "8"), (100, 25, "5", "5"), (100, 1, "1", "1"), (2, 2, "1", "2")],
)
def test_no_more_requests_are_under_way_than_asked_for(
    targets: int, concurrency: int, hosts: str, templates: str
) -> None:
    """Templates times hosts; nuclei's own 25 of each would be 625."""
    given = told(targets, concurrency=concurrency)
    assert (given["bulk-size"], given["concurrency"]) == (hosts, templates)
    assert given["payload-concurrency"] == "1"


def test_no_more_wait_for_a_slow_host_than_have_the_patience() -> None:
    assert told(concurrency=25, host_rate_limit=0.5, timeout=10.0)["concurrency"] == "5"


def test_retries_and_patience_are_passed_on_the_latter_in_whole_seconds() -> None:
    given = told(retries=3, timeout=2.5)
    assert (given["retries"], given["timeout"]) == ("3", "3")


def test_what_it_cannot_do_is_said_where_it_was_asked_for() -> None:
    assert list(remarks(Limits(), 1)) == []
    assert list(remarks(Limits(host_rate_limit=5.0), 1)) == [], "one host's limit is that of all"
    [said] = remarks(Limits(host_rate_limit=5.0), 2)
    assert "but for templates with payloads" in said
    [said] = remarks(Limits(longest_pause=10.0), 1)
    assert "no pause when a host answers 429 or 503" in said
    assert list(remarks(Limits(longest_pause=0.0), 1)) == []


class Clock:
    """Answers, and remembers when it was asked."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, _heard: bytes) -> bytes:
        self.times.append(time.monotonic())
        return OK


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Twenty that ask one thing each."""
    folder = tmp_path / "t"
    folder.mkdir()
    for number in range(20):
        text = f"id: t-{number}\ninfo: {{name: T, author: rookery, severity: info}}\nhttp:\n  - method: GET\n"
        text += f"    path: ['{{{{BaseURL}}}}/{number}']\n    matchers: [{{type: word, words: [hello]}}]\n"
        (folder / f"{number}.yaml").write_text(text)
    return folder


def test_the_limit_of_a_host_holds_for_each_of_several(templates: Path) -> None:
    """20 requests, 10 per second: they cannot take less than 19 intervals, on either host."""
    one, other = Clock(), Clock()
    limits = Limits(
        rate_limit=0.0, host_rate_limit=10.0, jitter=0.0, retries=0, nuclei_path=programs.nuclei()
    )
    with Listener(answer=one) as first, Listener("127.0.0.2", answer=other) as second:
        plan, started = ScanPlan(endpoints=(first.url, second.url), templates=(templates,)), time.monotonic()
        items = list(find("nuclei").runner(ToolJob(plan=plan, limits=limits)))
    for clock in (one, other):
        assert len(clock.times) == 20
        assert clock.times[-1] - started > 1.9
    assert any("scan.host_rate_limit" in item.message for item in items if isinstance(item, Warning_))


def test_a_rate_that_is_no_whole_number_holds(templates: Path) -> None:
    """Beside the gate nuclei is told, too; it understands a second and a bit."""
    clock = Clock()
    limits = Limits(rate_limit=8.5, jitter=0.0, retries=0, nuclei_path=programs.nuclei())
    with Listener(answer=clock) as server:
        plan, started = ScanPlan(endpoints=(server.url,), templates=(templates,)), time.monotonic()
        list(find("nuclei").runner(ToolJob(plan=plan, limits=limits)))
    assert len(clock.times) == 20
    assert clock.times[-1] - started > 19 / 8.5
