"""Reading findings, in both worlds and on both databases. How they come to be: tests/conformance."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from rookery.base.errors import NotFound
from rookery.domains.findings import store
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import Severity
from rookery.mechanisms.hooks import Item
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


def test_every_sighting_of_a_large_batch_is_stored(call: Call) -> None:
    paths = [f"http://127.0.0.1:8080/{number}" for number in range(1_043)]
    record(call, *(sighting(matched_at=path, cve=["CVE-2024-1"]) for path in paths))
    found = call(store.list_, limit=2_000)
    assert {row.matched_at for row in found} == set(paths)
    assert {(row.template_id, row.state, row.labels, row.run_count, row.cve) for row in found} == {
        ("git-config", "open", "[]", 1, '["CVE-2024-1"]')
    }
    assert [line.kind for line in call(store.history, found[-1].id)] == ["found"]


def test_the_worst_come_first_and_can_be_selected(call: Call) -> None:
    severities = ("info", "critical", "medium")
    record(call, *(sighting(template_id=word, severity=word) for word in severities))
    assert [row.template_id for row in call(store.list_)] == ["critical", "medium", "info"]
    assert [row.template_id for row in call(store.list_, severities=(Severity.INFO,))] == ["info"]
    assert call(store.count, target="http://127.0.0.1:8080") == 3
    assert call(store.count, target="http://127.0.0.1:808") == 0
    assert call(store.list_, run_id="run-9") == []


def test_a_batch_that_its_queue_delivers_again_is_known_by_its_stream(call: Call) -> None:
    """After a crash the spool delivers what the store has already taken."""
    for _ in range(2):
        record(call, sighting(), sighting(_timestamp=1_001.0))
    assert [row.seen_count for row in call(store.list_)] == [2]


def test_a_target_stands_for_what_is_below_it(call: Call) -> None:
    targets = (
        "http://127.0.0.1:8080/app",
        "http://127.0.0.1:8080/application",
        "http://127.0.0.1:8080/app/v2",
    )
    record(call, *(sighting(template_id=f"at-{n}", target=target) for n, target in enumerate(targets)))
    assert call(store.count, target="http://127.0.0.1:8080") == 3
    assert call(store.count, target="http://127.0.0.1:8080/app") == 2


def test_the_beginning_of_an_id_is_enough(call: Call) -> None:
    record(call, sighting())
    assert call(store.get, sighting().finding_id[:8]).template_id == "git-config"


@pytest.mark.parametrize("id_", ["no-such-finding", "%", "______", ""])
def test_an_unknown_id_is_an_error_that_says_where_the_ids_are(call: Call, id_: str) -> None:
    record(call, sighting())
    with pytest.raises(NotFound, match="rookery findings list"):
        call(store.get, id_)
    with pytest.raises(NotFound, match="at least 6 characters"):
        call(store.get, sighting().finding_id[:5])


def test_the_hook_can_travel_to_another_process(call: Call) -> None:
    copy = pickle.loads(pickle.dumps(RecordFindings(call.rook.engine)))  # noqa: S301  our own bytes
    copy(None, Batch([sighting()], stream="s", seqs=[1], recovered=False))
    copy.close()
    assert call(store.count) == 1
