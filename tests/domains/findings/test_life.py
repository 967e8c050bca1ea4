"""What becomes of a finding by rule: opened, closed, opened again; each with its reason in the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from rookery.base.config import Findings as Policy
from rookery.domains.findings import service, store
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.models import Finding, FindingAlias, FindingEvent, FindingGroup
from rookery.domains.findings.rules import DAY_US, State
from rookery.mechanisms.writebehind import Batch
from tests.conftest import Call
from tests.domains.findings.test_store import record, sighting

TARGET = "http://127.0.0.1:8080"
SECOND = 1_000_000


def only(call: Call) -> Finding:
    [finding] = call(store.list_)
    assert isinstance(finding, Finding)
    return finding


def history(call: Call) -> list[tuple[str, str, str]]:
    with call.rook.reading() as session:
        rows = session.execute(select(FindingEvent).order_by(FindingEvent.at_us, FindingEvent.id)).scalars()
        return [(row.kind, row.from_state, row.to_state) for row in rows]


def decide(call: Call, **columns: Any) -> None:
    with call.rook.transaction() as session:
        session.execute(update(Finding).values(**columns))


def settle(call: Call, *templates: str, at: int = 2_000, target: str = TARGET, **more: Any) -> store.Settled:
    covered = [(target, set(templates))]
    settled = call(store.settle, run_id=f"run-{at}", started_us=at * SECOND, covered=covered, **more)
    assert isinstance(settled, store.Settled)
    return settled


def test_what_a_completed_check_does_not_see_any_more_is_fixed(call: Call) -> None:
    record(call, sighting())
    assert settle(call, "git-config") == store.Settled(fixed=1)
    assert (only(call).state, only(call).fixed_us, only(call).state_by) == (
        "fixed",
        2_000 * SECOND,
        "rookery",
    )
    assert history(call) == [("found", "", ""), ("state", "open", "fixed")]


@pytest.mark.parametrize(
    "coverage",
    [
        {"target": "http://127.0.0.1:8081"},
        {"target": f"{TARGET}/app"},
        {"project_id": "other"},
        {"target": "https://127.0.0.1:8080"},
    ],
)
def test_what_was_not_covered_stays(call: Call, coverage: dict[str, str]) -> None:
    record(call, sighting())
    assert settle(call, "git-config", **coverage) == store.Settled()  # type: ignore[arg-type]
    assert settle(call, "svn-entries") == store.Settled()
    assert only(call).state == "open"


def test_what_the_run_itself_or_another_saw_meanwhile_is_not_absent(call: Call) -> None:
    record(call, sighting(run_id="run-2000", _timestamp=2_500.0))
    record(call, sighting(run_id="run-x", _timestamp=2_600.0), first=2)
    assert settle(call, "git-config") == store.Settled()
    assert settle(call, "git-config", at=2_550) == store.Settled()


def test_one_miss_may_not_be_enough(call: Call) -> None:
    record(call, sighting())
    twice = Policy(fixed_after_misses=2)
    assert settle(call, "git-config", policy=twice) == store.Settled(missed=1)
    assert only(call).state == "open"
    assert settle(call, "git-config", at=2_100, policy=twice) == store.Settled(fixed=1)


def test_a_sighting_between_two_misses_begins_the_count_anew(call: Call) -> None:
    record(call, sighting())
    twice = Policy(fixed_after_misses=2)
    settle(call, "git-config", policy=twice)
    record(call, sighting(run_id="run-2", _timestamp=2_050.0), first=2)
    assert settle(call, "git-config", at=2_100, policy=twice) == store.Settled(missed=1)


def test_a_fixed_finding_that_is_seen_again_is_open_again(call: Call) -> None:
    record(call, sighting())
    settle(call, "git-config")
    record(call, sighting(run_id="run-3", _timestamp=3_000.0), first=2)
    found = only(call)
    assert (found.state, found.reopened_count, found.fixed_us) == ("open", 1, None)
    assert found.due_us == 3_000 * SECOND + 90 * DAY_US
    assert history(call)[-1] == ("state", "fixed", "open")
    assert "after it was fixed" in found.state_reason


def test_what_was_seen_before_the_run_that_closed_it_does_not_open_it(call: Call) -> None:
    record(call, sighting())
    settle(call, "git-config")
    record(call, sighting(run_id="run-0", _timestamp=1_900.0), stream="late")
    assert (only(call).state, only(call).reopened_count) == ("fixed", 0)


@pytest.mark.parametrize("state", [State.FALSE_POSITIVE, State.RISK_ACCEPTED, State.OUT_OF_SCOPE])
def test_what_a_person_dismissed_stays_dismissed(call: Call, state: State) -> None:
    record(call, sighting())
    decide(call, state=state.value, owner="me", labels='["dmz"]')
    record(call, sighting(run_id="run-2", _timestamp=2_000.0), first=2)
    settle(call, "git-config", at=3_000)
    found = only(call)
    assert (found.state, found.needs_review, found.owner, found.labels) == (state, False, "me", '["dmz"]')


@pytest.mark.parametrize("change", [{"extracted": ["other"]}, {"template_sha256": "bb"}])
def test_it_is_to_be_looked_at_again_when_what_the_decision_rests_on_changes(
    call: Call, change: dict[str, Any]
) -> None:
    record(call, sighting(template_sha256="aa"))
    decide(call, state="false_positive")
    record(call, sighting(**({"template_sha256": "aa", "_timestamp": 2_000.0} | change)), first=2)
    assert (only(call).state, only(call).needs_review) == ("false_positive", True)
    record(call, sighting(**({"template_sha256": "aa", "_timestamp": 2_001.0} | change)), first=3)
    assert [kind for kind, _, _ in history(call)] == ["found", "review"]


def test_an_acceptance_ends(call: Call) -> None:
    record(call, sighting())
    decide(call, state="risk_accepted", state_until_us=1_500 * SECOND)
    assert settle(call, "none") == store.Settled(expired=1)
    assert (only(call).state, only(call).state_until_us) == ("open", None)
    assert history(call)[-1] == ("state", "risk_accepted", "open")


def test_an_acceptance_that_has_ended_is_open_when_seen_again(call: Call) -> None:
    record(call, sighting())
    decide(call, state="risk_accepted", state_until_us=1_500 * SECOND)
    record(call, sighting(_timestamp=2_000.0), first=2)
    assert only(call).state == "open"


def test_a_finding_seen_through_two_targets_is_fixed_when_neither_shows_it(call: Call) -> None:
    other = "http://127.0.0.1:9090"
    record(call, sighting(), sighting(target=other, _timestamp=1_001.0))
    with call.rook.reading() as session:
        assert [row.target for row in session.scalars(select(FindingAlias))] == [TARGET]
    assert settle(call, "git-config", target=other) == store.Settled()
    assert only(call).target == TARGET
    assert settle(call, "git-config", at=2_100) == store.Settled(fixed=1)


def test_a_rating_that_changes_moves_the_day_it_is_due(call: Call) -> None:
    record(call, sighting(severity="low"))
    assert only(call).due_us == 1_000 * SECOND + 120 * DAY_US
    record(call, sighting(severity="critical", _timestamp=2_000.0), first=2)
    assert only(call).due_us == 1_000 * SECOND + 7 * DAY_US
    assert history(call)[-1][0] == "rating"


def test_a_history_begins_with_the_first_sighting_whatever_else_happens_in_that_moment(call: Call) -> None:
    record(call, sighting(severity="low"), sighting(severity="critical", _timestamp=2_000.0))
    assert [kind for kind, _, _ in history(call)] == ["found", "rating"]


def test_a_history_is_only_ever_added_to_and_what_happens_by_rule_says_why(call: Call) -> None:
    def lines() -> dict[str, tuple[Any, ...]]:
        with call.rook.reading() as session:
            table = FindingEvent.__table__
            return {row.id: tuple(row) for row in session.execute(select(*table.columns))}

    steps: list[Callable[[], object]] = [
        lambda: record(call, sighting(severity="low")),
        lambda: settle(call, "git-config"),
        lambda: record(call, sighting(_timestamp=3_000.0, run_id="run-3"), first=2),
        lambda: call(service.triage, "", State.RISK_ACCEPTED, reason="known", until="1d"),
        lambda: record(call, sighting(_timestamp=4_000.0, extracted=["other"]), first=3),
        lambda: decide(call, state_until_us=1),
        lambda: settle(call, "none", at=5_000),
        lambda: settle(call, "git-config", at=6_000),
    ]
    before: dict[str, tuple[Any, ...]] = {}
    for step in steps:
        step()
        now = lines()
        assert before.items() <= now.items()
        before = now
    kinds = ["found", "rating", "review", "state", "state", "state", "state", "state"]
    assert sorted(kind for kind, _, _ in history(call)) == kinds
    found = only(call)
    assert all(each.reason for each in call(store.history, found.id))
    assert (found.state, found.state_by, bool(found.state_reason)) == ("fixed", "rookery", True)


def test_the_newest_of_a_group_speaks_for_it_and_takes_over_what_people_gave(call: Call) -> None:
    record(call, sighting(cve=["CVE-2024-1"]))
    decide(call, owner="ann", labels='["dmz"]', state="triaged")
    elsewhere = sighting(cve=["CVE-2024-1"], target="http://b", matched_at="http://b/.git/config")
    record(call, elsewhere, first=2)
    with call.rook.reading() as session:
        assert [group.main_id for group in session.scalars(select(FindingGroup))] == [elsewhere.finding_id]
    found = call(store.get, elsewhere.finding_id)
    assert (found.owner, found.labels, found.state) == ("ann", '["dmz"]', "triaged")
    told = [(each.kind, each.at_us) for each in call(store.history, found.id)[1:]]
    assert told == [("copied", found.state_at_us), ("state", found.state_at_us)]


def test_of_those_that_come_together_the_newest_speaks(call: Call) -> None:
    places = [f"http://{name}/.git/config" for name in "abcdef"]
    found = [sighting(matched_at=place, _timestamp=1_000.0 + at) for at, place in enumerate(places)]
    record(call, *reversed(found))
    with call.rook.reading() as session:
        assert [group.main_id for group in session.scalars(select(FindingGroup))] == [found[-1].finding_id]


def test_what_is_said_to_be_taken_over_was_given(call: Call) -> None:
    record(call, sighting())
    decide(call, state="triaged")
    elsewhere = sighting(target="http://b", matched_at="http://b/.git/config")
    record(call, elsewhere, first=2)
    assert [each.kind for each in call(store.history, elsewhere.finding_id)] == ["found", "state"]


def test_a_decision_about_one_target_is_none_about_another(call: Call) -> None:
    record(call, sighting())
    decide(call, state="false_positive")
    elsewhere = sighting(target="http://b", matched_at="http://b/.git/config")
    record(call, elsewhere, first=2)
    assert call(store.get, elsewhere.finding_id).state == "open"


def test_the_configured_days_count(call: Call) -> None:
    hook = RecordFindings(call.rook.engine, Policy(medium_days=1))
    hook(None, Batch([sighting()], stream="s", seqs=[1], recovered=False))
    assert only(call).due_us == 1_000 * SECOND + DAY_US
