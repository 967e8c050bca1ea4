"""Findings in both worlds, on both databases: one row per weakness, however often it is seen."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from rookery.base.errors import NotFound
from rookery.domains.findings import store
from rookery.domains.findings.document import as_json
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import Severity
from rookery.mechanisms.hooks import Info, Item
from rookery.mechanisms.writebehind import Batch
from tests.conftest import Call


def sighting(**different: Any) -> Vulnerability:
    facts: dict[str, Any] = {
        "template_id": "git-config",
        "name": "Exposed Git configuration",
        "severity": "medium",
        "target": "http://127.0.0.1:8080",
        "matched_at": "http://127.0.0.1:8080/.git/config",
        "extracted": ["origin"],
        "run_id": "run-1",
        "_timestamp": 1_000.0,
    }
    return Vulnerability(**(facts | different))


def record(call: Call, *items: Item, stream: str = "s", first: int = 1) -> None:
    hook = RecordFindings(call.rook.engine)
    seqs = list(range(first, first + len(items)))
    hook(None, Batch(list(items), stream=stream, seqs=seqs, recovered=False))


def test_a_weakness_seen_again_is_the_same_finding(call: Call) -> None:
    record(call, sighting())
    record(call, sighting(run_id="run-2", _timestamp=2_000.0, extracted=["fork"]), first=2)
    [finding] = call(store.list_)
    document = as_json(finding)
    assert document["first_seen"] == "1970-01-01T00:16:40+00:00"
    assert document["last_seen"] == "1970-01-01T00:33:20+00:00"
    assert (document["run_count"], document["extracted"]) == (2, ["fork"])


def test_a_finding_has_the_id_that_its_sighting_announced(call: Call) -> None:
    record(call, sighting())
    assert call(store.list_)[0].id == sighting().finding_id


def test_one_run_counts_once_however_often_it_sees_the_weakness(call: Call) -> None:
    record(call, sighting(), sighting(_timestamp=1_001.0))
    assert call(store.list_)[0].run_count == 1


def test_a_replayed_batch_changes_nothing(call: Call) -> None:
    """After a crash the spool delivers what the database has already committed."""
    record(call, sighting(run_id="run-1"), sighting(run_id="run-2", _timestamp=1_001.0))
    record(call, sighting(run_id="run-1"), sighting(run_id="run-2", _timestamp=1_001.0))
    assert call(store.list_)[0].run_count == 2


def test_a_sighting_that_arrives_late_counts_and_does_not_overwrite_a_newer_one(call: Call) -> None:
    record(call, sighting(_timestamp=2_000.0, name="new"))
    record(call, sighting(_timestamp=1_000.0, name="old", run_id="run-0"), stream="other")
    [finding] = call(store.list_)
    assert (finding.name, finding.last_run_id, finding.run_count) == ("new", "run-1", 2)
    assert (finding.first_seen_us, finding.last_seen_us) == (1_000_000_000, 2_000_000_000)


def test_what_is_no_sighting_is_passed_over(call: Call) -> None:
    record(call, Info(message="hello"), sighting())
    assert call(store.count) == 1


def test_the_worst_come_first_and_can_be_selected(call: Call) -> None:
    severities = ("info", "critical", "medium")
    record(call, *(sighting(template_id=word, severity=word) for word in severities))
    assert [row.template_id for row in call(store.list_)] == ["critical", "medium", "info"]
    assert [row.template_id for row in call(store.list_, severities=(Severity.INFO,))] == ["info"]
    assert call(store.count, target="http://127.0.0.1:8080") == 3
    assert call(store.list_, run_id="run-9") == []


def test_the_beginning_of_an_id_is_enough(call: Call) -> None:
    record(call, sighting())
    assert call(store.get, sighting().finding_id[:8]).template_id == "git-config"


@pytest.mark.parametrize("id_", ["no-such-finding", "%", "______", ""])
def test_an_unknown_id_is_an_error_that_says_where_the_ids_are(call: Call, id_: str) -> None:
    record(call, sighting())
    with pytest.raises(NotFound, match="rookery findings list"):
        call(store.get, id_)


def test_the_hook_can_travel_to_another_process(call: Call) -> None:
    copy = pickle.loads(pickle.dumps(RecordFindings(call.rook.engine)))  # noqa: S301  our own bytes
    copy(None, Batch([sighting()], stream="s", seqs=[1], recovered=False))
    copy.close()
    assert call(store.count) == 1
