"""What people decide: by filter, with reasons, in the history and in the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from rookery.base.clock import from_us, now
from rookery.domains.findings import service, store
from rookery.domains.findings.errors import (
    DecisionNotValid,
    FindingNotFound,
    TransitionNotAllowed,
)
from rookery.domains.findings.rules import BY_RULE, TRANSITIONS, State, may_become
from rookery.mechanisms.filters.grammar import FilterNotValid
from tests.conftest import Call
from tests.domains.findings.test_store import record, sighting


@pytest.fixture
def three(call: Call) -> Call:
    record(call, *(sighting(template_id=name, severity=name) for name in ("high", "medium", "low")))
    return call


def states(call: Call) -> dict[str, str]:
    return {found.template_id: found.state for found in call(store.list_)}


def audited(call: Call) -> list[tuple[str, Any]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(entry.event_type, entry.object) for entry in reversed(call.rook.audit.list())]


def test_all_that_a_filter_chooses_comes_to_another_state(three: Call) -> None:
    outcome = three(service.triage, "sev>=medium", State.FALSE_POSITIVE, reason="a honeypot")
    assert (outcome.chosen, outcome.changed, outcome.left) == (2, 2, {})
    assert states(three) == {"high": "false_positive", "medium": "false_positive", "low": "open"}
    [found] = three(store.list_, "sev:high")
    assert (found.state_reason, found.state_by) == ("a honeypot", "tester")
    last = three(store.history, found.id)[-1]
    assert (last.kind, last.actor, last.from_state, last.to_state) == (
        *("state", "tester", "open"),
        "false_positive",
    )
    assert audited(three) == [("findings.triaged", "sev>=medium")]


def test_those_that_cannot_change_are_counted_and_left(three: Call) -> None:
    three(service.triage, "sev:high", State.FIXED)
    outcome = three(service.triage, "", State.FALSE_POSITIVE, reason="x")
    assert (outcome.chosen, outcome.changed, outcome.left) == (3, 2, {"fixed": 1})
    with pytest.raises(TransitionNotAllowed, match="fixed becomes open, triaged"):
        three(service.triage, "sev:high", State.OUT_OF_SCOPE, reason="x")


def test_an_accepted_risk_ends(three: Call) -> None:
    three(service.triage, "sev:low", State.RISK_ACCEPTED, reason="known", until="90d")
    [found] = three(store.list_, "sev:low")
    assert 89 <= (from_us(found.state_until_us) - now()).days <= 90


@pytest.mark.parametrize(
    ("state", "options"),
    [
        (State.FALSE_POSITIVE, {}),
        (State.OUT_OF_SCOPE, {"reason": "  "}),
        (State.RISK_ACCEPTED, {"reason": "x"}),
        (State.RISK_ACCEPTED, {"reason": "x", "until": "2020-01-01"}),
        (State.RISK_ACCEPTED, {"reason": "x", "until": "soon"}),
        (State.TRIAGED, {"until": "90d"}),
        (State.TRIAGED, {"reason": "x" * 4_001}),
    ],
)
def test_a_decision_that_lacks_something_changes_nothing(
    three: Call, state: State, options: dict[str, str]
) -> None:
    with pytest.raises(DecisionNotValid):
        three(service.triage, "", state, **options)
    assert set(states(three).values()) == {"open"}


def test_a_filter_that_chooses_nothing_or_is_none_is_an_error(three: Call) -> None:
    with pytest.raises(FindingNotFound, match="tag:none"):
        three(service.assign, "tag:none", "ann")
    with pytest.raises(FilterNotValid):
        three(service.assign, "owne:x", "ann")
    assert audited(three) == []


def test_owner_labels_and_notes_are_kept_with_their_history(three: Call) -> None:
    assert three(service.assign, "", "ann").changed == 3
    assert three(service.assign, "", "ann").changed == 0
    assert three(service.label, "sev:high", add=("dmz", "vpn")).changed == 1
    assert three(service.label, "", add=("dmz",), remove=("vpn",)).changed == 3
    three(service.note, "sev:high", "ask Bob")
    [found] = three(store.list_, "sev:high")
    assert (found.owner, found.labels) == ("ann", '["dmz"]')
    told = [(line.kind, line.reason) for line in three(store.history, found.id)[1:]]
    assert told == [
        ("owner", "Owner is now ann."),
        ("labels", "+dmz +vpn"),
        ("labels", "+dmz -vpn"),
        ("note", "ask Bob"),
    ]
    assert [event for event, _ in audited(three)] == [
        *("findings.assigned", "findings.assigned", "findings.labelled", "findings.labelled"),
        "findings.noted",
    ]


@pytest.mark.parametrize("words", [{}, {"add": ("",)}, {"add": ("a\nb",)}, {"remove": ("x" * 101,)}])
def test_labels_are_short_words(three: Call, words: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(DecisionNotValid):
        three(service.label, "", **words)


def test_groups_count_the_same_weakness_on_all_targets(three: Call) -> None:
    record(
        three,
        sighting(template_id="high", severity="high", target="http://b", matched_at="http://b/"),
        first=4,
    )
    three(service.triage, "target:http://b", State.FIXED)
    [group, *_] = three(store.groups)
    assert (group.template_id, group.severity, group.findings, group.active, group.targets) == (
        *("high", "high", 2, 1),
        2,
    )


def test_every_change_by_rule_is_in_the_one_table() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(may_become(old, new) for old, new in BY_RULE.items())
