"""What a run has brought to light: counted in all, the worst named; what was seen before is not news."""

from __future__ import annotations

from collections.abc import Collection

from rookery.domains.findings.appearing import LISTED, Appeared, appeared
from tests.conftest import Call
from tests.domains.findings.test_life import TARGET, settle
from tests.domains.findings.test_store import record, sighting


def of(call: Call, run_id: str, after_us: int = 0, sighted: Collection[str] | None = None) -> list[Appeared]:
    parts = call(appeared, run_id, after_us, sighted=sighted)
    assert isinstance(parts, list)
    return parts


def test_what_is_new_is_counted_by_severity_and_the_worst_are_named(call: Call) -> None:
    """However many there are, so many are named and no more."""
    many = [sighting(run_id="r", matched_at=f"{TARGET}/{number}", severity="low") for number in range(LISTED)]
    worst = sighting(run_id="r", matched_at=f"{TARGET}/worst", severity="high")
    record(call, *many, worst, sighting(run_id="another", matched_at=f"{TARGET}/another"))
    [new] = of(call, "r")
    assert (new.reopened, new.counts) == (False, {"high": 1, "low": LISTED})
    assert len(new.worst) == LISTED
    assert new.worst[0] == {
        "id": worst.finding_id, "severity": "high", "name": worst.name, "target": worst.target,
    }  # fmt: skip
    assert of(call, "r", new.upto_us) == [], "it is told once"
    assert of(call, "r", sighted={item.finding_id for item in (*many, worst)}) == [new]


def test_what_was_fixed_and_is_seen_again_is_told_apart_from_what_is_new(call: Call) -> None:
    record(call, sighting(run_id="first"))
    settle(call, "git-config")
    seen_again = sighting(run_id="second", _timestamp=3_000.0)
    record(call, seen_again, sighting(run_id="second", matched_at=f"{TARGET}/new"), first=2)
    new, reopened = of(call, "second")
    assert (new.reopened, len(new.worst), reopened.reopened) == (False, 1, True)
    assert [one["id"] for one in reopened.worst] == [seen_again.finding_id]


def test_a_run_that_saw_nothing_new_brought_nothing_to_light(call: Call) -> None:
    record(call, sighting(run_id="first"))
    record(call, sighting(run_id="second", _timestamp=3_000.0), first=2)
    assert of(call, "second") == of(call, "second", sighted={sighting().finding_id}) == []
    assert of(call, "first", sighted=()) == []
