"""What a store of findings makes of sightings: one suite for SQLite, PostgreSQL and MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from rookery.base.config import MongoDB
from rookery.domains.findings.document import as_json
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.models import Finding
from rookery.domains.findings.mongodb.clients import Store as MongoStore
from rookery.mechanisms.hooks import Info, Item
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.writebehind import Batch

SECOND = 1_000_000


class Stored(Protocol):
    """A store of findings, as this suite asks it."""

    def record(self, *items: Item) -> None: ...
    def find(self, finding_id: str) -> dict[str, Any] | None: ...
    def all_of(self, finding_id: str) -> dict[str, Any]: ...
    def triage(self, finding_id: str, state: str) -> None: ...


class Sql:
    """SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.batches = engine, 0

    def record(self, *items: Item) -> None:
        self.batches += 1
        seqs = list(range(1, len(items) + 1))
        batch = Batch(list(items), stream=str(self.batches), seqs=seqs, recovered=False)
        RecordFindings(self.engine)(None, batch)

    def find(self, finding_id: str) -> dict[str, Any] | None:
        with Session(self.engine) as session:
            row = session.get(Finding, finding_id)
            if row is None:
                return None
            return {
                "name": row.name,
                "state": row.state,
                "severity": row.severity,
                "first_seen": row.first_seen_us,
                "last_seen": row.last_seen_us,
                "last_run_id": row.last_run_id,
                "run_count": row.run_count,
                "host": row.host,
                "port": row.port,
            }

    def all_of(self, finding_id: str) -> dict[str, Any]:
        with Session(self.engine) as session:
            return as_json(session.get_one(Finding, finding_id))

    def triage(self, finding_id: str, state: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(Finding).where(Finding.id == finding_id).values(state=state))


class Mongo:
    """MongoDB, or what speaks its protocol."""

    def __init__(self, store: MongoStore) -> None:
        self.store = store

    def record(self, *items: Item) -> None:
        self.store.write(items)

    def find(self, finding_id: str) -> dict[str, Any] | None:
        document = self.store.get(finding_id)
        if document is None:
            return None
        return {
            **{name: document[name] for name in ("name", "state", "last_run_id", "host", "port")},
            "severity": document["severity_rank"],
            "first_seen": round(document["first_seen"].timestamp() * SECOND),
            "last_seen": document["version"],
            "run_count": len(document.get("run_ids", ())),
        }

    def all_of(self, finding_id: str) -> dict[str, Any]:
        document = self.store.get(finding_id)
        assert document
        return document

    def triage(self, finding_id: str, state: str) -> None:
        self.store.findings.update_one({"_id": finding_id}, {"$set": {"state": state}})


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mongodb", marks=pytest.mark.mongodb),
    ]
)
def stored(request: pytest.FixtureRequest) -> Iterator[Stored]:
    """Each store, empty."""
    if request.param == "mongodb":
        mongo = MongoStore(MongoDB(url=request.getfixturevalue("mongodb_url"), enabled=True))
        yield Mongo(mongo)
        mongo.close()
        return
    engine = open_engine(
        request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    )
    yield Sql(engine)
    engine.dispose()


def sighting(at: float = 1000.0, run: str = "run-1", **different: Any) -> Vulnerability:
    facts: dict[str, Any] = {
        "template_id": "git-config",
        "name": "Exposed Git configuration",
        "severity": "medium",
        "target": "http://127.0.0.1:8080",
        "matched_at": "http://127.0.0.1:8080/.git/config",
    }
    return Vulnerability(**(facts | different), run_id=run, _timestamp=at)


ID = sighting().finding_id


def test_a_new_weakness_is_open_and_was_first_seen_when_it_was_last_seen(stored: Stored) -> None:
    stored.record(sighting())
    assert stored.find(ID) == {
        "name": "Exposed Git configuration",
        "state": "open",
        "severity": 3,
        "first_seen": 1000 * SECOND,
        "last_seen": 1000 * SECOND,
        "last_run_id": "run-1",
        "run_count": 1,
        "host": "127.0.0.1",
        "port": 8080,
    }


def facts(stored: Stored, *names: str) -> tuple[Any, ...]:
    found = stored.find(ID)
    assert found
    return tuple(found[name] for name in names)


def test_a_weakness_seen_again_is_the_same_finding(stored: Stored) -> None:
    stored.record(sighting())
    stored.record(sighting(2000.0, "run-2", name="new", severity="high"))
    assert facts(stored, "name", "severity", "run_count") == ("new", 4, 2)
    assert facts(stored, "first_seen", "last_seen") == (1000 * SECOND, 2000 * SECOND)


def test_a_late_sighting_counts_and_overwrites_nothing(stored: Stored) -> None:
    stored.record(sighting(2000.0, "run-2", name="new"))
    stored.record(sighting(1000.0, "run-1", name="old"))
    assert facts(stored, "name", "last_run_id", "run_count") == ("new", "run-2", 2)
    assert facts(stored, "first_seen", "last_seen") == (1000 * SECOND, 2000 * SECOND)


def test_one_run_counts_once_however_often_it_sees_the_weakness(stored: Stored) -> None:
    stored.record(sighting(), sighting(1001.0), sighting(1002.0))
    stored.record(sighting(1003.0))
    assert facts(stored, "run_count", "last_seen") == (1, 1003 * SECOND)


def test_a_replayed_batch_changes_nothing(stored: Stored) -> None:
    batch = (sighting(1000.0, "run-1"), sighting(1001.0, "run-1", name="new"))
    stored.record(*batch)
    before = stored.find(ID)
    stored.record(*batch)
    assert stored.find(ID) == before


def test_sightings_of_one_weakness_in_one_batch_are_merged_in_any_order(stored: Stored) -> None:
    stored.record(sighting(2000.0, name="new"), sighting(1000.0, name="old"), sighting(1500.0))
    assert facts(stored, "name", "run_count") == ("new", 1)
    assert facts(stored, "first_seen", "last_seen") == (1000 * SECOND, 2000 * SECOND)


def test_a_sighting_without_a_run_counts_for_none(stored: Stored) -> None:
    stored.record(sighting())
    stored.record(sighting(2000.0, run=""))
    assert facts(stored, "run_count", "last_run_id", "last_seen") == (1, "run-1", 2000 * SECOND)


def test_all_that_a_sighting_says_is_kept(stored: Stored) -> None:
    said: dict[str, Any] = {
        "extracted": ["origin"], "cve": ["CVE-2024-1"], "cwe": ["CWE-79"], "cvss_vector": "CVSS:3.1/AV:N",
        "cvss_score": 9.8, "epss": 0.5, "epss_percentile": 0.97, "kev": True, "impact": "all is lost",
        "engine": "nuclei 3.4.10", "template_sha256": "ab", "project_id": "p", "ip": "127.0.0.1",
        "tags": ["exposure"], "meta": {"user": "admin"}, "scheme": "http", "path": "/.git/config",
    }  # fmt: skip
    stored.record(item := sighting(host="127.0.0.1", port=8080, **said))
    kept = stored.all_of(item.finding_id)
    assert {name: kept[name] for name in said} == said


def test_a_sighting_that_says_less_takes_nothing_away(stored: Stored) -> None:
    said: dict[str, Any] = {"cve": ["CVE-2024-1"], "tags": ["a"], "cvss_score": 9.8, "ip": "127.0.0.1"}
    stored.record(sighting(**said, impact="all is lost", response="200"))
    stored.record(sighting(2000.0, "run-2"), sighting(3000.0, "run-3", impact="little"))
    kept = stored.all_of(ID)
    assert {name: kept[name] for name in said} == said
    assert (kept["impact"], kept["last_run_id"]) == ("little", "run-3")


def test_text_that_no_terminal_and_no_database_likes_is_kept_or_replaced(stored: Stored) -> None:
    stored.record(sighting(name="a\0b", extracted=["\u202e€\0"], response="\0"))
    assert facts(stored, "name")[0] in {"a\0b", "a\ufffdb"}
    assert stored.all_of(ID)["extracted"] == ["\u202e€\0"]


@pytest.mark.parametrize("state", ["false_positive", "risk_accepted", "triaged"])
def test_triage_survives_the_next_sighting(stored: Stored, state: str) -> None:
    stored.record(sighting())
    stored.triage(ID, state)
    stored.record(sighting(2000.0, "run-2", name="new"))
    assert facts(stored, "state", "name") == (state, "new")


def test_what_is_no_sighting_is_passed_over(stored: Stored) -> None:
    stored.record(Info(message="hello"))
    stored.record(Info(message="hello"), sighting())
    assert facts(stored, "run_count") == (1,)


def test_many_weaknesses_are_written_at_once(stored: Stored) -> None:
    many = [sighting(matched_at=f"http://127.0.0.1:8080/{number}") for number in range(150)]
    stored.record(*many)
    assert all(stored.find(item.finding_id) for item in many)
