"""The ledger: what nuclei tells, as coverage; in doubt, nothing is taken to be done."""

from __future__ import annotations

import pytest

from rookery.domains.scans.coverage import Coverage, Outcome
from rookery.domains.scans.tools.nuclei.covering import Ledger, key_of, once_each

HOST, OTHER = "http://h", "http://other:8080"
A, B, TWIN = "/t/a.yaml", "/t/b.yaml", "/t/twin-of-a.yaml"
FILES = {A: 0, B: 1, TWIN: 2}
UNREACHABLE = "unknown error host unreachable"


@pytest.fixture
def coverage() -> Coverage:
    return Coverage(("a", "b", "a"))


@pytest.fixture
def ledger(coverage: Coverage) -> Ledger:
    return Ledger(coverage, FILES, (HOST, OTHER))


def counts(coverage: Coverage) -> tuple[int, ...]:
    """How many pairs ended ok, in error, skipped."""
    return tuple(coverage.counts().values())


def test_an_end_without_an_error_is_one(ledger: Ledger, coverage: Coverage) -> None:
    ledger.ended(A, "http://H:80/", "")
    assert coverage.is_done(HOST, 0)
    assert counts(coverage) == (1, 0, 0)


def test_what_is_told_of_unknown_files_and_targets_is_passed_over(ledger: Ledger, coverage: Coverage) -> None:
    ledger.ended("None", HOST, "")
    ledger.ended(A, "http://elsewhere", "")
    ledger.matched("/t/unknown.yaml", HOST)
    ledger.complained("unknown", HOST)
    ledger.give_up("http://elsewhere")
    ledger.finish(lambda _file: True)
    assert counts(coverage) == (0, 0, 0)


def test_an_error_is_one_and_a_skip_where_the_host_was_given_up(ledger: Ledger, coverage: Coverage) -> None:
    ledger.ended(A, HOST, UNREACHABLE)
    ledger.ended(B, HOST, UNREACHABLE, is_given_up=True)
    assert counts(coverage) == (0, 1, 1)
    ledger.give_up(HOST)
    assert counts(coverage) == (0, 1, 2), "what was never told of has not been tried"


def test_what_matched_is_done_when_nuclei_is_and_not_before(ledger: Ledger, coverage: Coverage) -> None:
    ledger.matched(A, HOST)
    ledger.matched(B, HOST)
    assert counts(coverage) == (0, 0, 0)
    ledger.finish(lambda file: file != B)
    assert coverage.is_done(HOST, 0)
    assert counts(coverage) == (1, 0, 0), "of b it would not have complained"


def test_a_complaint_counts_for_all_files_of_its_id_on_its_target(ledger: Ledger, coverage: Coverage) -> None:
    for host in (HOST, OTHER):
        ledger.matched(A, host)
        ledger.matched(TWIN, host)
    ledger.complained("a", HOST)
    ledger.finish(lambda _file: True)
    assert counts(coverage) == (2, 2, 0)
    assert coverage.is_done(OTHER, 0)


def test_a_complaint_about_nobody_counts_for_all(ledger: Ledger, coverage: Coverage) -> None:
    ledger.matched(A, HOST)
    ledger.complained("a", "http://who-knows")
    ledger.ended(A, OTHER, "")
    ledger.finish(lambda _file: True)
    assert counts(coverage) == (0, 4, 0)


def test_what_an_earlier_part_of_the_run_has_done_stays_done(coverage: Coverage) -> None:
    coverage.record(HOST, 0, Outcome.OK)
    again = Ledger(coverage, FILES, (HOST,))
    again.ended(A, HOST, UNREACHABLE)
    again.complained("a", HOST)
    again.give_up(HOST)
    assert coverage.is_done(HOST, 0)
    assert counts(coverage) == (1, 1, 1)


def test_endpoints_of_one_name_are_done_together(coverage: Coverage) -> None:
    """Coverage and findings know a target without its query."""
    one, other = "http://h/app?q=1", "http://h/app?q=2"
    ledger = Ledger(coverage, FILES, (one, other))
    ledger.ended(A, one, "")
    ledger.matched(B, one)
    ledger.ended(B, other, "")
    assert counts(coverage) == (0, 0, 0)
    ledger.ended(A, other, "")
    assert coverage.is_done("http://h/app", 0)
    ledger.finish(lambda _file: True)
    assert counts(coverage) == (2, 0, 0)
    assert ledger.name(one) == "http://h/app"


def test_an_address_is_that_of_the_endpoint_and_may_be_meant_for_others_on_its_host(
    coverage: Coverage,
) -> None:
    """Until nuclei has come to its end: a template's own port takes the place of http's."""
    ledger = Ledger(coverage, FILES, ("http://h:8080", "http://h:22", OTHER))
    ledger.ended(A, "h:22", "")
    assert (coverage.is_done("http://h:22", 0), counts(coverage)) == (True, (1, 0, 0))
    ledger.finish(lambda _file: True)
    assert (coverage.is_done("http://h:8080", 0), counts(coverage)) == (True, (2, 0, 0))
    assert ledger.name("h:22") == "http://h:22"


def test_a_host_is_that_of_its_only_endpoint_or_of_any_on_it(ledger: Ledger, coverage: Coverage) -> None:
    ledger.ended(A, "H", "")
    assert coverage.is_done(HOST, 0)
    several = Ledger(coverage, FILES, ("http://o:1", "http://o:2"))
    several.ended(B, "o", "")
    assert counts(coverage) == (1, 0, 0)
    several.complained("b", "http://o:2")
    several.finish(lambda _file: True)
    assert (coverage.is_done("http://o:1", 1), counts(coverage)) == (True, (2, 1, 0))


def test_an_address_is_known_by_the_name_that_dns_has_for_it(coverage: Coverage) -> None:
    ledger = Ledger(coverage, FILES, ("http://127.0.0.1", "http://[::1]"))
    ledger.ended(A, "1.0.0.127.in-addr.arpa", "")
    assert coverage.is_done("http://127.0.0.1", 0)
    assert counts(coverage) == (1, 0, 0)


def test_a_complaint_takes_back_what_a_record_said_in_the_same_part(
    ledger: Ledger, coverage: Coverage
) -> None:
    """Of several addresses the record has the error of the last alone, and a complaint may be heard later."""
    ledger.ended(A, "h:80", "")
    assert counts(coverage) == (1, 0, 0)
    ledger.complained("a", "h:1")
    assert coverage.counts()["ok"] == 0


def test_an_endpoint_has_one_key_however_it_is_spelled() -> None:
    assert key_of("http://H:80/") == key_of("http://h") == "http://h"
    assert key_of("http://h?x=1") != key_of("http://h")
    assert key_of("http://[h") == key_of("http://[h")
    assert once_each(["http://h/", "http://h:80", "https://h"]) == ("http://h/", "https://h")
