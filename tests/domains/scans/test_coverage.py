"""What a run has done, target × template: what is asked of it, and that it stays small."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.base.clock import now_us
from rookery.domains.scans import store
from rookery.domains.scans.coverage import Coverage, Outcome, ids_by_outcome, pack_ids, unpack_ids
from rookery.domains.scans.plan import ScanPlan
from tests.conftest import Call

IDS = [f"CVE-2024-{number:05}" for number in range(7_500)]
RECORDS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 19), st.sampled_from(list(Outcome))), max_size=60
)


@given(RECORDS)
def test_the_last_outcome_of_each_pair_is_kept_through_storage(
    records: list[tuple[str, int, Outcome]],
) -> None:
    ids = [str(number) for number in range(20)]
    coverage, expected = Coverage(ids), {}
    for target, position, outcome in records:
        coverage.record(target, position, outcome)
        expected[target, str(position)] = outcome.value
    stored = coverage.changed()
    assert coverage.changed() == {}
    assert Coverage(ids, stored).counts() == coverage.counts()
    found = {
        (target, id_): word
        for target, packed in stored.items()
        for word, members in ids_by_outcome(ids, packed).items()
        for id_ in members
        if word != "not run"
    }
    assert found == expected


def completed(coverage: Coverage) -> dict[str, list[str]]:
    return {target: list(ids) for target, ids in coverage.covered()}


def test_only_what_ran_to_its_end_is_covered_and_done() -> None:
    coverage = Coverage(["a", "b", "c"])
    for position, outcome in enumerate(Outcome):
        coverage.record("http://h", position, outcome)
    assert completed(coverage) == {"http://h": ["a"]}
    assert coverage.left("http://h", range(3)) == [1, 2]
    assert coverage.left("http://other", range(3)) == [0, 1, 2]
    assert (coverage.has_done("http://h"), coverage.has_done("http://other")) == (True, False)
    assert coverage.counts() == {"ok": 1, "error": 1, "skipped": 1}


def test_an_id_that_two_files_share_is_covered_when_both_have_run() -> None:
    coverage = Coverage(["twice", "twice"])
    coverage.record("h", 0, Outcome.OK)
    assert completed(coverage) == {"h": []}
    coverage.record("h", 1, Outcome.OK)
    assert completed(coverage) == {"h": ["twice"]}


def test_seven_thousand_templates_on_a_thousand_targets_take_a_megabyte() -> None:
    coverage, chance = Coverage(IDS), random.Random(7)
    for number in range(1_000):
        target = f"https://host-{number}.example:8443"
        coverage.record_all(target, range(len(IDS)), Outcome.OK)
        coverage.record_all(target, chance.sample(range(len(IDS)), 40), Outcome.ERROR)
    stored = coverage.changed()
    bitmaps = sum(len(packed.ok) + len(packed.error) + len(packed.skipped) for packed in stored.values())
    assert bitmaps + len(pack_ids(IDS)) < 1_000_000


def test_a_list_of_ids_comes_back_as_it_was() -> None:
    assert unpack_ids(pack_ids(IDS)) == tuple(IDS)
    assert unpack_ids(b"") == ()


@pytest.fixture
def begun(call: Call) -> str:
    call(
        store.begin_run,
        ScanPlan(endpoints=("http://h",), run_id="run-1"),
        actor="tester",
        engine_version="1",
        template_ids=("a", "b"),
        skipped={},
    )
    return "run-1"


def test_what_was_covered_on_a_target_by_a_run_can_be_asked(call: Call, begun: str) -> None:
    coverage = Coverage(call(store.template_ids, begun))
    for target, outcome in (("http://h", Outcome.OK), ("http://i", Outcome.SKIPPED)):
        coverage.record(target, 0, outcome)
        call(store.put_coverage, begun, coverage.changed())
    coverage.record("http://h", 1, Outcome.ERROR)
    call(store.put_coverage, begun, coverage.changed())
    [packed] = call(store.coverage, begun, target="http://h").values()
    assert ids_by_outcome(coverage.template_ids, packed) == {
        "ok": ["a"],
        "error": ["b"],
        "skipped": [],
        "not run": [],
    }
    assert call(store.coverage_counts, begun) == {"http://h": (1, 1, 0), "http://i": (0, 0, 1)}
    call(store.end_run, begun, status="completed", counts={}, errors=[])
    assert call(store.delete_runs, before_us=now_us() + 1) == [begun]
    assert call(store.coverage, begun) == {}
